import { getPropertyBool, getPropertyInt, getPropertyString } from "../hostcalls/properties";

/**
 * The downstream connection of the current stream, HTTP or TCP; there in every callback of a stream. What certificates
 * say is null without TLS, and of several alternative names the first one is shown.
 */
@unmanaged
export class Connection {
  /** Unique in the process. */
  get id(): i64 {
    return getPropertyInt("connection.id");
  }

  /** `ip:port` of the client. */
  get sourceAddress(): string | null {
    return getPropertyString("source.address");
  }

  /** Port of the client; 0 when it has none. */
  get sourcePort(): i32 {
    return <i32>getPropertyInt("source.port");
  }

  /** `ip:port` the client connected to. */
  get destinationAddress(): string | null {
    return getPropertyString("destination.address");
  }

  /** Port the client connected to; 0 when there is none. */
  get destinationPort(): i32 {
    return <i32>getPropertyInt("destination.port");
  }

  /** Whether the client presented a certificate. */
  get mtls(): bool {
    return getPropertyBool("connection.mtls");
  }

  /** Whether the client's certificate was checked and found good. */
  get peerCertificateValid(): bool {
    return getPropertyBool("connection.peer_certificate_valid");
  }

  /** SNI; "" when there is none. */
  get requestedServerName(): string | null {
    return getPropertyString("connection.requested_server_name");
  }

  /** `TLSv1.3`, ... */
  get tlsVersion(): string | null {
    return getPropertyString("connection.tls_version");
  }

  /** Distinguished name in the client's certificate, as RFC 2253 writes it. */
  get peerSubject(): string | null {
    return getPropertyString("connection.subject_peer_certificate");
  }

  /** Distinguished name in the proxy's own certificate, as RFC 2253 writes it. */
  get localSubject(): string | null {
    return getPropertyString("connection.subject_local_certificate");
  }

  /** DNS name in the client's certificate. */
  get peerDnsName(): string | null {
    return getPropertyString("connection.dns_san_peer_certificate");
  }

  /** DNS name in the proxy's own certificate. */
  get localDnsName(): string | null {
    return getPropertyString("connection.dns_san_local_certificate");
  }

  /** URI name in the client's certificate, e.g. a SPIFFE id. */
  get peerUri(): string | null {
    return getPropertyString("connection.uri_san_peer_certificate");
  }

  /** URI name in the proxy's own certificate. */
  get localUri(): string | null {
    return getPropertyString("connection.uri_san_local_certificate");
  }

  /** SHA-256 of the client's certificate, hexadecimal. */
  get peerDigest(): string | null {
    return getPropertyString("connection.sha256_peer_certificate_digest");
  }

  /** The client's certificate, PEM. */
  get peerCertificate(): string | null {
    return getPropertyString("connection.peer_certificate");
  }

  /** Why the proxy ended the connection, e.g. `rbac_access_denied`; null when it did not. */
  get terminationDetails(): string | null {
    return getPropertyString("connection.termination_details");
  }

  /** Why TLS with the client failed; null when it did not. */
  get transportFailureReason(): string | null {
    return getPropertyString("connection.transport_failure_reason");
  }
}

/** The downstream connection of the current stream. */
export const connection: Connection = changetype<Connection>(0);
