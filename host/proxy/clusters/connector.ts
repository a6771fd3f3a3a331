import { connect, type Socket } from "node:net";
import { nextConnectionId } from "../connection-ids";
import { StatCounter, StatGauge } from "../stats/store";
import type { ClientTls, Target } from "../tls/client-tls";
import type { TlsFacts } from "../tls/tls-facts";
import type { ClusterStats } from "./cluster-stats";
import type { Resources } from "./resources";

/** Set on a socket error when `connect_timeout` ran out. */
export class ConnectTimeoutError extends Error {
  readonly code = "CONNECT_TIMEOUT";
}

/** A pooled connection with what the proxy remembers of it. */
export interface PooledSocket extends Socket {
  /** Requests served so far. */
  served?: number;
  idleMs?: number;
  /** True while a request is on it. */
  busy?: boolean;
  /** It is there, handshake included; the event of this name says so. */
  established?: boolean;
  /** What its TLS told. */
  tlsFacts?: TlsFacts;
  /** It serves no more requests than the ones it has. */
  retired?: boolean;
  /** The host has closed its side. */
  remoteEnded?: boolean;
  connectionId?: number;
  /** Its two ends as `ip:port`. */
  localText?: string;
  remoteText?: string;
  /** When it was asked for, there, and when TLS had agreed, in milliseconds. */
  connectBegin?: number;
  connectEnd?: number;
  handshakeEnd?: number;
  /** Bytes counted so far. */
  bytesIn?: number;
  bytesOut?: number;
}

/** Per-host numbers, as `/clusters` prints them. */
export class HostStats {
  readonly cx_connect_fail = new StatCounter("cx_connect_fail");
  readonly cx_total = new StatCounter("cx_total");
  readonly rq_error = new StatCounter("rq_error");
  readonly rq_success = new StatCounter("rq_success");
  readonly rq_timeout = new StatCounter("rq_timeout");
  readonly rq_total = new StatCounter("rq_total");
  readonly cx_active = new StatGauge("cx_active");
  readonly rq_active = new StatGauge("rq_active");
  readonly rq_pending_active = new StatGauge("rq_pending_active");
}

export interface ConnectOptions {
  address: string;
  port: number;
  /** The host's own name; "" = it has none. */
  hostname: string;
  connectTimeoutMs: number;
  tls: ClientTls | undefined;
}

const PROTOCOLS = { http1: "http/1.1", http2: "h2" } as const;

/** A connection on its way, under TLS or not; it emits `established` when it may be used. */
export function dial(tls: ClientTls | undefined, target: Target): PooledSocket {
  const socket = open(tls, target);
  socket.connectionId = nextConnectionId();
  socket.connectBegin = performance.now();
  // Before those who use it at once.
  socket.prependOnceListener("connect", () => {
    socket.connectEnd = performance.now();
  });
  return socket;
}

function open(tls: ClientTls | undefined, target: Target): PooledSocket {
  if (tls)
    return tls.connect(target, (socket: PooledSocket, facts) => {
      socket.tlsFacts = facts;
      socket.handshakeEnd = performance.now();
      establish(socket);
    });
  const { address, port, socket: options } = target;
  const socket: PooledSocket = connect({ host: address, port, noDelay: true, ...options });
  socket.once("connect", () => establish(socket));
  return socket;
}

function establish(socket: PooledSocket): void {
  socket.established = true;
  socket.emit("established");
}

/** Opens connections to one host and counts what happens to them. */
export class Connector {
  private readonly open = new Set<PooledSocket>();

  constructor(
    private readonly options: ConnectOptions,
    private readonly stats: ClusterStats,
    private readonly host: HostStats,
    private readonly resources: Resources,
  ) {}

  /**
   * Whether one more connection may be made; too many are counted. A host without any gets one all the same: who waits for it
   * would wait for ever.
   */
  mayConnect(): boolean {
    const { resources, open } = this;
    if (resources.connections.hasRoom && open.size < resources.perHost) return true;
    this.stats.upstream_cx_overflow.inc();
    return open.size === 0;
  }

  /** A connection on its way; `connect_timeout` ends it with a {@link ConnectTimeoutError}. */
  connect(protocol: "http1" | "http2"): PooledSocket {
    const { stats, host } = this;
    const { connectTimeoutMs, tls, ...target } = this.options;
    const socket = dial(tls, { ...target, protocol: PROTOCOLS[protocol] });
    const started = performance.now();
    socket.served = 0;
    this.open.add(socket);
    stats.upstream_cx_total.inc();
    stats[`upstream_cx_${protocol}_total`].inc();
    stats.upstream_cx_active.add(1);
    this.resources.connections.take();
    host.cx_total.inc();
    host.cx_active.add(1);
    const timer = setTimeout(() => {
      stats.upstream_cx_connect_timeout.inc();
      socket.destroy(new ConnectTimeoutError("connection timeout"));
    }, connectTimeoutMs);
    socket.once("established", () => {
      clearTimeout(timer);
      stats.upstream_cx_connect_ms.record(Math.round(performance.now() - started));
    });
    let remote = false;
    socket.once("end", () => {
      remote = true;
      socket.remoteEnded = true;
    });
    socket.once("error", () => {
      remote = true;
    });
    socket.once("close", () => {
      clearTimeout(timer);
      this.open.delete(socket);
      this.countClose(socket, remote, performance.now() - started);
    });
    return socket;
  }

  private countClose(socket: PooledSocket, remote: boolean, lifeMs: number): void {
    const { stats, host } = this;
    stats.upstream_cx_active.add(-1);
    this.resources.connections.give();
    host.cx_active.add(-1);
    stats.upstream_cx_length_ms.record(Math.round(lifeMs));
    if (!socket.established) {
      stats.upstream_cx_connect_fail.inc();
      host.cx_connect_fail.inc();
    } else {
      stats.upstream_rq_per_cx.record(socket.served ?? 0);
      this.countSocket(socket);
    }
    stats.upstream_cx_destroy.inc();
    (remote ? stats.upstream_cx_destroy_remote : stats.upstream_cx_destroy_local).inc();
    if (socket.busy) {
      stats.upstream_cx_destroy_with_active_rq.inc();
      (remote
        ? stats.upstream_cx_destroy_remote_with_active_rq
        : stats.upstream_cx_destroy_local_with_active_rq
      ).inc();
    }
  }

  private countSocket(socket: PooledSocket): void {
    const { bytesRead, bytesWritten } = socket;
    this.stats.upstream_cx_rx_bytes_total.add(bytesRead - (socket.bytesIn ?? 0));
    this.stats.upstream_cx_tx_bytes_total.add(bytesWritten - (socket.bytesOut ?? 0));
    socket.bytesIn = bytesRead;
    socket.bytesOut = bytesWritten;
  }

  /** Brings the byte counters of open connections up to date. */
  countBytes(): void {
    for (const socket of this.open) this.countSocket(socket);
  }

  /** No connection of now takes another request; those without any close. */
  retireAll(): void {
    for (const socket of this.open) {
      socket.retired = true;
      if (socket.established && !socket.busy) socket.destroy();
    }
  }

  /** Closes what no request is on. For one that is still being made there is always a request. */
  closeIdle(): void {
    for (const socket of this.open) if (socket.established && !socket.busy) socket.destroy();
  }

  /** Cuts everything. */
  destroy(): void {
    for (const socket of this.open) socket.destroy();
  }
}
