/** One certificate, as logs show it. */
export interface CertificateInfo {
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serial: string;
  readonly fingerprint1: string;
  readonly fingerprint256: string;
  readonly pem: string;
  /** Nanoseconds since 1970. */
  readonly validFrom: bigint;
  readonly validTo: bigint;
  /** Alternative names of a kind, in the certificate's order. */
  names(type: "URI" | "DNS" | "IP" | "EMAIL" | "OTHER"): string[];
}

/** What a TLS handshake told; names as the properties are called. */
export interface TlsInfo {
  readonly version: string;
  /** SNI that a host was asked for. */
  readonly serverName?: string | undefined;
  /** By ALPN; "" = nothing was agreed on. */
  readonly alpn?: string;
  readonly mtls: boolean;
  readonly peerCertificateValid: boolean;
  readonly subjectPeer?: string | undefined;
  readonly subjectLocal?: string | undefined;
  readonly uriSanPeer?: string | undefined;
  readonly uriSanLocal?: string | undefined;
  readonly dnsSanPeer?: string | undefined;
  readonly dnsSanLocal?: string | undefined;
  readonly peerDigest?: string | undefined;
  readonly peerCertificate?: string | undefined;
  /** Why the handshake failed. */
  readonly failureReason?: string | undefined;
  /** Milliseconds until both sides had agreed. */
  readonly handshakeMs?: number | undefined;
  readonly cipher?: string | undefined;
  /** Key exchange. */
  readonly group?: string | undefined;
  readonly peer?: CertificateInfo | undefined;
  /** The certificate that this side has shown. */
  readonly own?: CertificateInfo | undefined;
  /** All that the peer has shown, its own first. */
  readonly peerChain?: readonly CertificateInfo[] | undefined;
}
