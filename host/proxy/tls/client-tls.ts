import type { X509Certificate } from "node:crypto";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import type { CertificateValidation, UpstreamTlsConfig } from "../../config/model";
import type { StatsStore } from "../stats/store";
import { filesOf, type Reloadable } from "./certificate-files";
import { failureReason, reasonOf } from "./failure-reason";
import { PeerVerifier } from "./peer-verifier";
import { clientContext, readCertificate } from "./secure-context";
import { SslStats } from "./ssl-stats";
import { type NamedCertificate, TlsFacts } from "./tls-facts";

/** Where a connection goes and what it is for. */
export interface Target {
  address: string;
  port: number;
  /** The host's own name; "" = it has none. */
  hostname: string;
  /** What is to be spoken, for ALPN; undefined for plain bytes. */
  protocol: "h2" | "http/1.1" | undefined;
  /** Further options of the socket. */
  socket?: { allowHalfOpen?: boolean; highWaterMark?: number };
}

/** A host was not who it should be, or spoke no TLS; the message is Envoy's reason. */
export class TlsError extends Error {
  readonly code = "TLS";
}

const MAX_SESSIONS = 1000;

/** A session to resume. OpenSSL does not tell again whose it is. */
interface Session {
  ticket: Buffer;
  peer: X509Certificate | undefined;
}

/** TLS with the hosts of one cluster. */
export class ClientTls implements Reloadable {
  private readonly stats: SslStats;
  readonly files: readonly string[];
  private context: SecureContext;
  private local: NamedCertificate | undefined;
  private readonly verifier: PeerVerifier | undefined;
  /** The newest session of each host and name. */
  private readonly sessions = new Map<string, Session>();

  /** Throws ConfigError when certificates or keys are of no use. `prefix`: `cluster.<name>.` */
  constructor(
    private readonly config: UpstreamTlsConfig,
    store: StatsStore,
    prefix: string,
  ) {
    this.context = clientContext(config);
    this.stats = new SslStats(store, prefix);
    this.verifier = config.validation && new PeerVerifier(config.validation);
    this.local = config.certificate && readCertificate(config.certificate.chain);
    this.files = filesOf(config.certificate, config.validation);
  }

  /** New connections begin anew; sessions were checked against what is gone. */
  reload(): void {
    const context = clientContext(this.config);
    this.local = this.config.certificate && readCertificate(this.config.certificate.chain);
    this.context = context;
    this.sessions.clear();
  }

  /**
   * A connection on its way. `established` is called once the host is believed; until then nothing that is written
   * leaves. Otherwise it ends with an error, a {@link TlsError} when the host is refused, after an event `refused`.
   */
  connect(target: Target, established: (socket: Socket, facts: TlsFacts) => void): Socket {
    const { config, context } = this;
    const { address, port, hostname, protocol, socket: options } = target;
    const raw = connect({ host: address, port, noDelay: true, ...options });
    const sni = (config.autoHostSni && hostname) || config.sni;
    const key = `${address} ${port} ${sni}`;
    const session = config.resumes ? this.sessions.get(key) : undefined;
    const alpn = config.alpnProtocols.length > 0 ? config.alpnProtocols : protocol ? [protocol] : [];
    const socket = connectTls({
      socket: raw,
      secureContext: context,
      // The verifier says more than yes and no, and other things than names of hosts.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(sni !== "" && { servername: sni }),
      ...(alpn.length > 0 && { ALPNProtocols: alpn }),
      ...(session && { session: session.ticket }),
      ...(options?.highWaterMark !== undefined && { highWaterMark: options.highWaterMark }),
    });
    const facts = new TlsFacts(this.local, sni || undefined);
    let peer: X509Certificate | undefined;
    let ticket: Buffer | undefined;
    const refuse = (error: unknown): void => {
      // Others wait for the same handshake and must not take the socket up.
      socket.emit("refused");
      socket.destroy(error as Error);
    };
    const believe = () => {
      peer = socket.getPeerX509Certificate() ?? (socket.isSessionReused() ? session?.peer : undefined);
      this.check(socket, facts, sni, peer);
      if (ticket) this.remember(context, key, { ticket, peer });
    };
    socket.once("secureConnect", () => {
      try {
        believe();
      } catch (error) {
        return refuse(error);
      }
      established(socket, facts);
    });
    if (config.resumes)
      socket.on("session", (newest) => {
        ticket = newest;
        // One that comes with the handshake waits for its end.
        if (facts.complete) this.remember(context, key, { ticket, peer });
      });
    socket.on("error", (error) => {
      if (!(error instanceof TlsError)) this.stats.failed(error);
      socket.destroy(error);
    });
    socket.resetAndDestroy = () => {
      raw.resetAndDestroy();
      return socket.destroy();
    };
    return socket;
  }

  /** Not what was checked against authorities that have been exchanged since. */
  private remember(context: SecureContext, key: string, session: Session): void {
    if (context !== this.context) return;
    // Hosts come and go.
    if (this.sessions.size >= MAX_SESSIONS) this.sessions.clear();
    this.sessions.set(key, session);
  }

  /** Judges the host, before a byte of the request leaves. Throws TlsError against it. */
  private check(socket: TLSSocket, facts: TlsFacts, sni: string, peer: X509Certificate | undefined): void {
    const { stats } = this;
    let validated = false;
    if (peer) facts.presented(peer);
    const verifier = this.verifierFor(sni);
    if (verifier?.asks) {
      const chainError = socket.authorizationError as unknown as string | null;
      const verdict = peer && verifier.verify(peer, chainError ?? undefined, socket.isSessionReused());
      if (verdict?.failure) stats.counters[verdict.failure].inc();
      if (!verdict?.accepted) throw new TlsError(failureReason("CERTIFICATE_VERIFY_FAILED", verdict?.reason));
      validated = verdict.validated;
    }
    facts.agreed(socket, validated);
    stats.handshake(socket, peer !== undefined);
  }

  private verifierFor(sni: string): PeerVerifier | undefined {
    const { autoSniSanValidation, validation } = this.config;
    if (!autoSniSanValidation || !validation || sni === "") return this.verifier;
    const subjectAltNames: CertificateValidation["subjectAltNames"] = [
      { type: "DNS", kind: "exact", value: sni, ignoreCase: false },
    ];
    return new PeerVerifier({ ...validation, subjectAltNames });
  }
}

/** Why a connection came to nothing, in Envoy's words; undefined when TLS had no part in it. */
export function tlsFailure(error: Error | null): string | undefined {
  if (!error) return undefined;
  return error instanceof TlsError ? error.message : reasonOf(error);
}
