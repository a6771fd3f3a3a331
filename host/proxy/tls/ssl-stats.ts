import type { TLSSocket } from "node:tls";
import type { StatCounter, StatsStore } from "../stats/store";
import { sslReason } from "./failure-reason";

const COUNTERS = [
  "connection_error",
  "fail_verify_cert_hash",
  "fail_verify_error",
  "fail_verify_no_cert",
  "fail_verify_san",
  "handshake",
  "no_certificate",
  "session_reused",
] as const;

/** `<prefix>ssl.*`: what became of handshakes. */
export class SslStats {
  readonly counters: Readonly<Record<(typeof COUNTERS)[number], StatCounter>>;

  constructor(
    private readonly store: StatsStore,
    private readonly prefix: string,
  ) {
    this.counters = Object.fromEntries(
      COUNTERS.map((name) => [name, store.counter(`${prefix}ssl.${name}`)]),
    ) as Record<(typeof COUNTERS)[number], StatCounter>;
  }

  /** A handshake that the peer's certificate has passed, or was not asked for. */
  handshake(socket: TLSSocket, certificate: boolean): void {
    const { counters } = this;
    counters.handshake.inc();
    if (socket.isSessionReused()) counters.session_reused.inc();
    if (!certificate) counters.no_certificate.inc();
    const version = socket.getProtocol();
    if (version) this.store.counter(`${this.prefix}ssl.versions.${version}`).inc();
    const { name } = socket.getCipher();
    if (name) this.store.counter(`${this.prefix}ssl.ciphers.${name}`).inc();
  }

  /** Errors of the socket below are not TLS's. */
  failed(error: Error): void {
    const reason = sslReason(error);
    if (reason === "PEER_DID_NOT_RETURN_A_CERTIFICATE") this.counters.fail_verify_no_cert.inc();
    else if (reason !== undefined) this.counters.connection_error.inc();
  }
}
