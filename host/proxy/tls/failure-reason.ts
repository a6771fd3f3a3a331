/** How numbers of errors begin in Envoy's TLS library: its part, above the reason. */
const SSL = 16 * 2 ** 24;
const ALERTS = 1000;

/** Alerts of the old kind, which the library calls `SSLV3_ALERT_...`, and the others, `TLSV1_ALERT_...`. */
const OLD_ALERTS: Readonly<Record<string, number>> = {
  UNEXPECTED_MESSAGE: 10,
  BAD_RECORD_MAC: 20,
  HANDSHAKE_FAILURE: 40,
  BAD_CERTIFICATE: 42,
  UNSUPPORTED_CERTIFICATE: 43,
  CERTIFICATE_REVOKED: 44,
  CERTIFICATE_EXPIRED: 45,
  CERTIFICATE_UNKNOWN: 46,
  ILLEGAL_PARAMETER: 47,
};
const NEW_ALERTS: Readonly<Record<string, number>> = {
  UNKNOWN_CA: 48,
  ACCESS_DENIED: 49,
  DECODE_ERROR: 50,
  DECRYPT_ERROR: 51,
  PROTOCOL_VERSION: 70,
  INSUFFICIENT_SECURITY: 71,
  INTERNAL_ERROR: 80,
  CERTIFICATE_REQUIRED: 116,
  NO_APPLICATION_PROTOCOL: 120,
};

/** Other reasons by the library's numbers; what is not here has none that OpenSSL could tell. */
const REASONS: Readonly<Record<string, number>> = {
  CERTIFICATE_VERIFY_FAILED: 125,
  HTTP_REQUEST: 156,
  NO_SHARED_CIPHER: 184,
  PEER_DID_NOT_RETURN_A_CERTIFICATE: 192,
  UNSUPPORTED_PROTOCOL: 240,
  WRONG_VERSION_NUMBER: 247,
};

/** A failed handshake in Envoy's words; `detail` follows the library's own. */
export function failureReason(reason: string, detail?: string): string {
  const { number, name } = lookUp(reason);
  const end = detail === undefined ? "" : `:${detail}`;
  return `TLS_error:|${number}:SSL routines:OPENSSL_internal:${name}${end}:TLS_error_end`;
}

function lookUp(reason: string): { number: number; name: string } {
  const alert = /_ALERT_(.*)$/.exec(reason)?.[1];
  if (alert === undefined) return { number: SSL + (REASONS[reason] ?? -SSL), name: reason };
  const old = OLD_ALERTS[alert];
  if (old !== undefined) return { number: SSL + ALERTS + old, name: `SSLV3_ALERT_${alert}` };
  return { number: SSL + ALERTS + (NEW_ALERTS[alert] ?? 0), name: `TLSV1_ALERT_${alert}` };
}

/** OpenSSL's reason for an error of a socket, in capitals; undefined for what is not TLS's. */
export function sslReason({ code = "", message }: NodeJS.ErrnoException): string | undefined {
  if (code.startsWith("ERR_SSL_")) return code.slice("ERR_SSL_".length);
  // A write that waited for the handshake fails this way.
  const reason = code === "EPROTO" ? /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] : undefined;
  return reason?.toUpperCase().replaceAll(" ", "_");
}

/** What OpenSSL says of a failed handshake, in Envoy's words; undefined for what is not TLS's. */
export function reasonOf(error: NodeJS.ErrnoException): string | undefined {
  const reason = sslReason(error);
  if (reason === undefined) return undefined;
  const missing = reason === "PEER_DID_NOT_RETURN_A_CERTIFICATE";
  return failureReason(reason, missing ? "peer did not provide required client certificate" : undefined);
}

/** Node's codes for what is wrong with a chain, as Envoy's library puts it; it stops at the first fault. */
const CHAIN_ERRORS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not yet valid",
  CERT_REVOKED: "certificate revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "self signed certificate",
  INVALID_PURPOSE: "unsupported certificate purpose",
  SELF_SIGNED_CERT_IN_CHAIN: "self signed certificate in certificate chain",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unable to get local issuer certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unable to get local issuer certificate",
};

/** What is wrong with a chain, by Node's code. */
export function chainFault(code: string): string {
  return CHAIN_ERRORS[code] ?? code.toLowerCase().replaceAll("_", " ");
}
