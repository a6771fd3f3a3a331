import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import type { DownstreamTlsConfig } from "../../config/model";
import { contained, type OnBug } from "../contain";
import type { StatsStore } from "../stats/store";
import { failureReason, reasonOf } from "./failure-reason";
import { PeerVerifier } from "./peer-verifier";
import { readData, serverContext } from "./secure-context";
import { SslStats } from "./ssl-stats";
import { NamedCertificate, TlsFacts } from "./tls-facts";

/** TLS with the clients of one filter chain. */
export class ServerTls {
  readonly stats: SslStats;
  readonly verifier: PeerVerifier | undefined;
  readonly options: TLSSocketOptions;
  /** What clients are shown. */
  readonly local: NamedCertificate;

  /** Throws ConfigError when certificates or keys are of no use. `prefix`: `listener.<address>.` */
  constructor(
    config: DownstreamTlsConfig,
    store: StatsStore,
    prefix: string,
    /** A client whose handshake brings a defect of this host to light is refused. */
    readonly onBug: OnBug = () => {},
  ) {
    const { validation, alpnProtocols } = config;
    const secureContext: SecureContext = serverContext(config);
    this.local = new NamedCertificate(new X509Certificate(readData(config.certificate.chain)));
    this.stats = new SslStats(store, prefix);
    this.verifier = validation && new PeerVerifier(validation);
    const asks = this.verifier?.asks ?? false;
    this.options = {
      isServer: true,
      secureContext,
      requestCert: asks,
      // Only says whether a client may do without a certificate: the one it has is judged by `verifier`.
      rejectUnauthorized: asks && (this.verifier?.mandatory(config.requireClientCertificate) ?? false),
      ...(alpnProtocols.length > 0 && { ALPNProtocols: alpnProtocols }),
    };
  }

  /** Begins the handshake on a new connection. */
  accept(socket: Socket, highWaterMark?: number): ServerTlsSocket {
    return new ServerTlsSocket(socket, this, highWaterMark);
  }
}

/** What node:tls keeps to itself and its own server uses; checked by test/host/proxy/tls. */
interface Internals {
  /** From now on errors are the user's to hear. */
  _releaseControl(): boolean;
  /** Whoever takes the socket over, HTTP/2 above all, waits while this is true. */
  secureConnecting: boolean;
  _handle: { verifyError(): NodeJS.ErrnoException | null | undefined } | null;
}

/**
 * A client's connection under TLS. It is handed on at once, as Envoy does it: filters know a connection before its
 * handshake, and bytes come once the client is accepted.
 */
export class ServerTlsSocket extends TLSSocket {
  readonly facts: TlsFacts;

  constructor(
    private readonly raw: Socket,
    private readonly tls: ServerTls,
    highWaterMark: number | undefined,
  ) {
    super(raw, { ...tls.options, ...(highWaterMark !== undefined && { highWaterMark }) });
    this.facts = new TlsFacts(tls.local);
    this.once(
      "secure",
      contained(
        () => this.onSecure(),
        (error) => {
          tls.onBug(error);
          this.destroy();
        },
      ),
    );
    this.on("error", (error) => {
      tls.stats.failed(error);
      this.facts.failureReason ??= reasonOf(error);
      this.destroy();
    });
  }

  private onSecure(): void {
    const { tls, facts } = this;
    const { stats, verifier } = tls;
    const internals = this as unknown as Internals;
    const peer = verifier ? this.getPeerX509Certificate() : undefined;
    let validated = false;
    if (verifier && peer) {
      facts.presented(peer);
      const chainError = internals._handle?.verifyError()?.code;
      const verdict = verifier.verify(peer, chainError, this.isSessionReused());
      if (verdict.failure) stats.counters[verdict.failure].inc();
      if (!verdict.accepted) return this.refuse(failureReason("CERTIFICATE_VERIFY_FAILED", verdict.reason));
      validated = verdict.validated;
    } else if (tls.options.rejectUnauthorized) {
      // A resumed session that knows no certificate.
      stats.counters.fail_verify_no_cert.inc();
      return this.refuse(failureReason("PEER_DID_NOT_RETURN_A_CERTIFICATE"));
    }
    facts.agreed(this, validated);
    stats.handshake(this, peer !== undefined);
    internals.secureConnecting = false;
    internals._releaseControl();
  }

  private refuse(reason: string): void {
    this.facts.failureReason = reason;
    this.destroy();
  }

  override resetAndDestroy(): this {
    this.raw.resetAndDestroy();
    return this.destroy();
  }
}
