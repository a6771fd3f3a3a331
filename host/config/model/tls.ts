import type { DataSource, StringMatch } from "./common";

/** `DownstreamTlsContext` with its `common_tls_context`. */
export interface DownstreamTlsConfig {
  certificate: TlsCertificateConfig;
  parameters: TlsParameters;
  /** Undefined: clients are not asked for a certificate, unless one is required. */
  validation: CertificateValidation | undefined;
  /** In the order of preference; empty = ALPN is not answered. */
  alpnProtocols: string[];
  requireClientCertificate: boolean;
  sessionTickets: boolean;
  /** Seconds a session may be resumed; undefined = the library's default. */
  sessionTimeout: number | undefined;
  preferClientCiphers: boolean;
}

/** `UpstreamTlsContext` with its `common_tls_context`. */
export interface UpstreamTlsConfig {
  /** Shown to hosts that ask for one. */
  certificate: TlsCertificateConfig | undefined;
  parameters: TlsParameters;
  /** Undefined: whoever answers is believed. */
  validation: CertificateValidation | undefined;
  /** Empty = what the connection is for: `h2`, `http/1.1`, or nothing at all. */
  alpnProtocols: string[];
  /** The name asked for; "" = none. */
  sni: string;
  /** The host's own name instead, when it has one. */
  autoHostSni: boolean;
  /** The certificate must be for the name asked for; its other names do not count then. */
  autoSniSanValidation: boolean;
  /** Sessions are resumed. */
  resumes: boolean;
}

export interface TlsCertificateConfig {
  chain: DataSource;
  key: DataSource;
  password: DataSource | undefined;
}

export interface TlsParameters {
  minVersion: TlsVersion;
  maxVersion: TlsVersion;
  /** Names of OpenSSL, for TLS 1.2. */
  cipherSuites: string[];
  /** Empty = the library's choice. */
  curves: string[];
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** `CertificateValidationContext`: what a peer's certificate must be. */
export interface CertificateValidation {
  trustedCa: DataSource | undefined;
  crl: DataSource | undefined;
  /** One of them must match one of the certificate's names; empty = any name. */
  subjectAltNames: SanMatcher[];
  /** SHA-256 of the certificate (hexadecimal, lower case) or of its public key (base64); one of them all must fit. */
  hashes: string[];
  spkis: string[];
  /** Whoever signed it: what is wrong with the chain is only noted. */
  acceptUntrusted: boolean;
}

export interface SanMatcher extends StringMatch {
  type: "EMAIL" | "DNS" | "URI" | "IP_ADDRESS";
}
