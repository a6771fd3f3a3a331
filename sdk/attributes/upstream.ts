import { getPropertyInt, getPropertyString, PropertyPath } from "../hostcalls/properties";

/** The host a request went to: known once it is chosen, that is on the response side and in `onLog`. */
@unmanaged
export class Upstream {
  /** `ip:port` of the host; null until it is chosen. */
  get address(): string | null {
    return getPropertyString("upstream.address");
  }

  /** Port of the host; 0 until it is chosen. */
  get port(): i32 {
    return <i32>getPropertyInt("upstream.port");
  }

  /** `ip:port` of the proxy's own end. */
  get localAddress(): string | null {
    return getPropertyString("upstream.local_address");
  }

  /** Why the connection could not be made; "" when it could. */
  get transportFailureReason(): string | null {
    return getPropertyString("upstream.transport_failure_reason");
  }

  /** How often the request was sent; 0 before the first time. */
  get attempts(): i32 {
    return <i32>getPropertyInt("upstream.request_attempt_count");
  }

  /** Hosts in the cluster; -1 until one is chosen. */
  get endpoints(): i32 {
    return <i32>getPropertyInt("upstream.num_endpoints", -1);
  }

  /** How long the request waited for a connection, nanoseconds; -1 while unknown. */
  get poolReadyDuration(): i64 {
    return getPropertyInt("upstream.cx_pool_ready_duration", -1);
  }

  /** Name the proxy asked for in TLS (SNI); null without TLS. */
  get serverName(): string | null {
    return getPropertyString("upstream.server_name");
  }

  /** `TLSv1.3`, ...; null without TLS, as are all texts of certificates below. */
  get tlsVersion(): string | null {
    return getPropertyString("upstream.tls_version");
  }

  /** Distinguished name in the host's certificate, as RFC 2253 writes it. */
  get peerSubject(): string | null {
    return getPropertyString("upstream.subject_peer_certificate");
  }

  /** Distinguished name in the certificate the proxy showed. */
  get localSubject(): string | null {
    return getPropertyString("upstream.subject_local_certificate");
  }

  /** DNS name in the host's certificate. */
  get peerDnsName(): string | null {
    return getPropertyString("upstream.dns_san_peer_certificate");
  }

  /** DNS name in the certificate the proxy showed. */
  get localDnsName(): string | null {
    return getPropertyString("upstream.dns_san_local_certificate");
  }

  /** URI name in the host's certificate, e.g. a SPIFFE id. */
  get peerUri(): string | null {
    return getPropertyString("upstream.uri_san_peer_certificate");
  }

  /** URI name in the certificate the proxy showed. */
  get localUri(): string | null {
    return getPropertyString("upstream.uri_san_local_certificate");
  }

  /** SHA-256 of the host's certificate, hexadecimal. */
  get peerDigest(): string | null {
    return getPropertyString("upstream.sha256_peer_certificate_digest");
  }

  /** The host's certificate, PEM. */
  get peerCertificate(): string | null {
    return getPropertyString("upstream.peer_certificate");
  }

  /** Where the host is: `region`, `zone` and `sub_zone` below it. */
  get locality(): PropertyPath {
    return PropertyPath.of(["upstream", "locality"]);
  }
}

/** The host the current request went to. */
export const upstream: Upstream = changetype<Upstream>(0);
