/**
 * Numbers of Envoy's TLS library for what ends handshakes most; they stand in its texts. What is not here has no number
 * that OpenSSL could tell.
 */
const NUMBERS: Readonly<Record<string, number>> = {
  CERTIFICATE_VERIFY_FAILED: 268435581,
  HTTP_REQUEST: 268435612,
  NO_SHARED_CIPHER: 268435640,
  PEER_DID_NOT_RETURN_A_CERTIFICATE: 268435648,
  UNSUPPORTED_PROTOCOL: 268435696,
  WRONG_VERSION_NUMBER: 268435703,
};

/** A failed handshake in Envoy's words; `detail` follows the library's own. */
export function failureReason(reason: string, detail?: string): string {
  const end = detail === undefined ? "" : `:${detail}`;
  return `TLS_error:|${NUMBERS[reason] ?? 0}:SSL routines:OPENSSL_internal:${reason}${end}:TLS_error_end`;
}

/** What OpenSSL says of a failed handshake; undefined for what is not TLS's. */
export function reasonOf(error: NodeJS.ErrnoException): string | undefined {
  const reason = /^ERR_SSL_(.*)$/.exec(error.code ?? "")?.[1];
  if (reason === undefined) return undefined;
  const missing = reason === "PEER_DID_NOT_RETURN_A_CERTIFICATE";
  return failureReason(reason, missing ? "peer did not provide required client certificate" : undefined);
}
