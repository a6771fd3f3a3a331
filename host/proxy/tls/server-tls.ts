import type { Socket } from "node:net";
import { type SecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import type { DownstreamTlsConfig } from "../../config/model";
import { contained, type OnBug } from "../contain";
import type { StatCounter, StatsStore } from "../stats/store";
import { filesOf, type Reloadable } from "./certificate-files";
import type { ClientHello } from "./client-hello";
import { failureReason, reasonOf } from "./failure-reason";
import { PeerVerifier } from "./peer-verifier";
import { readCertificate, serverContext } from "./secure-context";
import { SslStats } from "./ssl-stats";
import { type NamedCertificate, TlsFacts } from "./tls-facts";

/** What stands around the TLS of a filter chain. */
export interface ServerTlsDeps {
  /** `listener.<address>.` */
  prefix: string;
  /** Milliseconds a handshake may take; 0 = any time. */
  timeoutMs: number;
  /** A client whose handshake brings a defect of this host to light is refused. */
  onBug: OnBug;
}

/** What is known of a connection when its handshake begins. */
export interface AcceptOptions {
  highWaterMark?: number | undefined;
  /** Undefined: not looked at, or none. */
  hello?: ClientHello | undefined;
}

/** TLS with the clients of one filter chain. */
export class ServerTls implements Reloadable {
  readonly stats: SslStats;
  /** Handshakes that took too long. */
  readonly timeouts: StatCounter;
  readonly verifier: PeerVerifier | undefined;
  readonly files: readonly string[];
  /** What clients are shown. */
  local: NamedCertificate;
  private secureContext: SecureContext;
  private readonly asks: boolean;
  /** A client without a certificate is refused. */
  readonly mandatory: boolean;

  /** Throws ConfigError when certificates or keys are of no use. */
  constructor(
    private readonly config: DownstreamTlsConfig,
    store: StatsStore,
    readonly deps: ServerTlsDeps,
  ) {
    const { validation, certificate, requireClientCertificate } = config;
    this.secureContext = serverContext(config);
    this.local = readCertificate(certificate.chain);
    this.files = filesOf(certificate, validation);
    this.stats = new SslStats(store, deps.prefix);
    this.timeouts = store.counter(`${deps.prefix}downstream_cx_transport_socket_connect_timeout`);
    this.verifier = validation && new PeerVerifier(validation);
    this.asks = this.verifier?.asks ?? false;
    this.mandatory = this.asks && (this.verifier?.mandatory(requireClientCertificate) ?? false);
  }

  reload(): void {
    const context = serverContext(this.config);
    this.local = readCertificate(this.config.certificate.chain);
    this.secureContext = context;
  }

  /** Clients are answered by ALPN, those with something to agree on. */
  get answersAlpn(): boolean {
    return this.config.alpnProtocols.length > 0;
  }

  /** Begins the handshake on a new connection. */
  accept(socket: Socket, options: AcceptOptions = {}): ServerTlsSocket {
    return new ServerTlsSocket(socket, this, this.socketOptions(options));
  }

  private socketOptions({ highWaterMark, hello }: AcceptOptions): TLSSocketOptions {
    const { alpnProtocols } = this.config;
    // Without a protocol in common the client goes on without one; node:tls would refuse it.
    const agrees = hello?.protocols.some((name) => alpnProtocols.includes(name)) ?? false;
    return {
      isServer: true,
      secureContext: this.secureContext,
      requestCert: this.asks,
      // Only says whether a client may do without a certificate: the one it has is judged by `verifier`.
      rejectUnauthorized: this.mandatory,
      ...(agrees && { ALPNProtocols: alpnProtocols }),
      ...(highWaterMark !== undefined && { highWaterMark }),
    };
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
    options: TLSSocketOptions,
  ) {
    super(raw, options);
    this.facts = new TlsFacts(tls.local);
    this.once(
      "secure",
      contained(
        () => this.onSecure(),
        (error) => {
          tls.deps.onBug(error);
          this.destroy();
        },
      ),
    );
    const { timeoutMs } = tls.deps;
    if (timeoutMs > 0) this.limitHandshake(timeoutMs);
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
    } else if (tls.mandatory) {
      // A resumed session that knows no certificate.
      stats.counters.fail_verify_no_cert.inc();
      return this.refuse(failureReason("PEER_DID_NOT_RETURN_A_CERTIFICATE"));
    }
    facts.agreed(this, validated);
    stats.handshake(this, peer !== undefined);
    internals.secureConnecting = false;
    internals._releaseControl();
  }

  private limitHandshake(timeoutMs: number): void {
    const timer = setTimeout(() => {
      this.tls.timeouts.inc();
      this.destroy();
    }, timeoutMs);
    this.once("close", () => clearTimeout(timer));
    this.once("secure", () => clearTimeout(timer));
  }

  /** SNI, when the listener has looked for it. */
  get requestedServerName(): string {
    return (this.raw as Socket & { requestedServerName?: string }).requestedServerName ?? "";
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
