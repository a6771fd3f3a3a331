import type { Socket } from "node:net";
import { PeerType } from "../../../sdk/abi/peer-type";
import type { Timer } from "../../clock";
import { ResponseFlag } from "../../stores/stream-info";
import { StreamTimes } from "../../stores/stream-times";
import { NetworkChain } from "../../stream/network-chain";
import type { NetworkEnds } from "../../stream/network-filter";
import { overLimit } from "../../stream/network-flow";
import type { PickRequest } from "../balancing/host-set-balancer";
import type { Cluster } from "../clusters/cluster";
import type { PooledSocket } from "../clusters/connector";
import { contained, type OnBug } from "../contain";
import { Hold, HoldReason } from "../downstream/back-pressure";
import { DownstreamConnection } from "../downstream/connection";
import { IdleTimer } from "../idle-timer";
import { destroy, isFull } from "./socket-buffer";
import { TcpFacts } from "./tcp-facts";
import type { TcpService } from "./tcp-service";
import { UpstreamConnection, type UpstreamConnectionEvents } from "./upstream-connection";

const EMPTY = Buffer.alloc(0);

/** One client connection, its filters, and its connection to a host: Envoy's tcp_proxy. */
export class TcpConnection implements NetworkEnds, UpstreamConnectionEvents {
  readonly info: TcpFacts;
  private readonly connection: DownstreamConnection;
  private readonly chain: NetworkChain;
  private readonly downstreamHold: Hold;
  private readonly upstreamHold: Hold;
  private readonly idle: IdleTimer;
  private upstream: UpstreamConnection | undefined;
  private cluster: Cluster | undefined;
  /** What is asked of its hosts. */
  private wanted: PickRequest | undefined;
  private readonly lifetime: Timer | undefined;
  /** Bytes to the host and from it. */
  private sent = 0;
  private received = 0;
  private logTimer: Timer | undefined;
  private attempts = 0;
  /** When the connection to the host was asked for. */
  private askedAt = 0n;
  private clientEnded = false;
  private flushing = false;
  private closed = false;
  /** One side was reset: so is the other. */
  private reset = false;
  private heldDownstream = false;
  private heldUpstream = false;

  constructor(
    private readonly service: TcpService,
    private readonly socket: Socket,
  ) {
    this.connection = new DownstreamConnection(socket);
    this.info = new TcpFacts(this.connection.info, service.listenerInfo, service.clock);
    if (service.loggers.length > 0) this.info.times = new StreamTimes();
    this.idle = new IdleTimer(
      service.clock,
      service.config.idleTimeoutMs,
      contained(
        () => this.onIdle(),
        (error) => this.onBug(error),
      ),
    );
    const { maxDurationMs } = service.config;
    if (maxDurationMs > 0)
      this.lifetime = service.clock.setTimer(
        maxDurationMs,
        contained(
          () => this.onLifetime(),
          (error) => this.onBug(error),
        ),
      );
    this.downstreamHold = new Hold((held) => this.onDownstreamHeld(held));
    this.upstreamHold = new Hold((held) => this.onUpstreamHeld(held));
    // Bytes have nowhere to go yet.
    this.downstreamHold.set(HoldReason.Connect, true);
    this.chain = new NetworkChain(service.filters, this, service.onBug);
    const onBug: OnBug = (error) => this.onBug(error);
    socket.on(
      "data",
      contained((data: Buffer) => this.onClientData(data), onBug),
    );
    socket.pause();
    socket.once(
      "end",
      contained(() => this.onClientEnd(), onBug),
    );
    socket.on(
      "drain",
      contained(() => this.onClientDrain(), onBug),
    );
    socket.once(
      "finish",
      contained(() => this.onFlushed(), onBug),
    );
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code !== "ECONNRESET") return;
      this.reset = true;
      this.connection.info.closeType = "RemoteReset";
    });
    socket.once(
      "close",
      contained(() => this.finish(PeerType.Remote), onBug),
    );
  }

  start(): void {
    this.chain.start();
    this.logAgain();
  }

  // --- the client

  private onClientData(data: Buffer): void {
    if (this.closed || this.flushing) return;
    this.info.bytesReceived += data.length;
    this.chain.downstreamData(data, false);
  }

  private onClientEnd(): void {
    if (this.closed || this.flushing) return;
    this.clientEnded = true;
    this.chain.downstreamData(EMPTY, true);
    if (this.socket.writableFinished) this.finish(PeerType.Remote);
  }

  private onClientDrain(): void {
    this.cluster?.stats.upstream_flow_control_resumed_reading_total.inc();
    this.upstreamHold.set(HoldReason.Peer, false);
  }

  /** All that was written to the client has left, the end of stream included. */
  private onFlushed(): void {
    if (this.flushing || this.clientEnded) this.finish(PeerType.Local);
  }

  closeDownstream(): void {
    if (this.closed || this.flushing) return;
    if (this.socket.writableLength === 0) return this.finish(PeerType.Local);
    this.flushing = true;
    this.chain.seal();
    this.downstreamHold.set(HoldReason.Peer, true);
    this.socket.end();
  }

  /** The client connection is gone or goes now: filters hear of it, then the upstream connection ends. */
  private finish(peer: PeerType): void {
    if (this.closed) return;
    this.closed = true;
    this.idle.stop();
    this.lifetime?.cancel();
    this.logTimer?.cancel();
    this.chain.close(peer);
    this.info.endMonotonic = this.service.clock.monotonic();
    this.log();
    this.releaseUpstream(peer === PeerType.Remote);
    destroy(this.socket, this.reset);
    this.service.onClosed(this.socket, this.connection);
  }

  /** `type`: what the entry is written for; the end by default. */
  private log(type?: string): void {
    if (this.service.loggers.length > 0) this.info.countWire(this.sent, this.received);
    for (const logger of this.service.loggers) logger.log(this.info, type);
  }

  /** Entries while the connection goes on. */
  private logAgain(): void {
    const { service } = this;
    const { flushIntervalMs } = service.config.accessLogOptions;
    if (flushIntervalMs === 0 || this.closed) return;
    this.logTimer = service.clock.setTimer(
      flushIntervalMs,
      contained(
        () => {
          this.log("TcpPeriodic");
          this.logAgain();
        },
        (error) => this.onBug(error),
      ),
    );
  }

  private releaseUpstream(flush: boolean): void {
    const { upstream } = this;
    this.upstream = undefined;
    if (!upstream) return;
    if (flush && !this.reset && upstream.socket.writableLength > 0) this.service.flush(upstream);
    else upstream.cut(this.reset);
  }

  // --- the way to the host

  connect(): void {
    const { service, info } = this;
    // A filter before this one may have chosen another cluster.
    const chosen = info.filterState.native("envoy.tcp_proxy.cluster");
    const { choice } = service;
    const { cluster: name, criteria } = chosen?.kind === "text" ? choice.named(chosen.value) : choice.take();
    const cluster = service.clusters.get(name);
    if (!cluster) {
      service.stats.downstream_cx_no_route.inc();
      info.responseFlags |= ResponseFlag.NoClusterFound;
      return this.giveUp();
    }
    this.cluster = cluster;
    this.wanted = choice.request(criteria, this.connection.info.remoteAddress);
    info.cluster = cluster;
    this.attempt(cluster);
  }

  private attempt(cluster: Cluster): void {
    const { service, info } = this;
    if (!cluster.resources.connections.hasRoom) {
      cluster.stats.upstream_cx_overflow.inc();
      info.responseFlags |= ResponseFlag.UpstreamOverflow;
      return this.giveUp();
    }
    if (this.attempts >= service.config.maxConnectAttempts) {
      cluster.stats.upstream_cx_connect_attempts_exceeded.inc();
      info.responseFlags |= ResponseFlag.UpstreamRetryLimitExceeded;
      return this.giveUp();
    }
    const host = cluster.pick(this.wanted);
    if (!host) {
      cluster.stats.upstream_cx_none_healthy.inc();
      info.responseFlags |= ResponseFlag.NoHealthyUpstream;
      return this.giveUp();
    }
    this.attempts++;
    this.askedAt = service.clock.monotonic();
    info.upstream.attempts = this.attempts;
    this.upstream = new UpstreamConnection(cluster, host, this);
  }

  /** There will be no upstream connection. */
  private giveUp(): void {
    this.finish(PeerType.Local);
  }

  toUpstream(data: Buffer, end: boolean): void {
    const { upstream } = this;
    if (!upstream) return;
    this.idle.touch();
    this.sent += data.length;
    if (!upstream.write(data)) {
      this.service.stats.downstream_flow_control_paused_reading_total.inc();
      this.downstreamHold.set(HoldReason.Peer, true);
    }
    if (end) upstream.socket.end();
  }

  onUpstreamConnected(socket: PooledSocket): void {
    const { info, upstream } = this;
    if (!upstream) return;
    info.connectionTried(upstream.host, this.askedAt);
    info.hostConnected(socket, upstream.host);
    if (this.service.config.accessLogOptions.atStart) this.log("TcpUpstreamConnected");
    this.downstreamHold.set(HoldReason.Connect, false);
  }

  onUpstreamDrain(): void {
    this.service.stats.downstream_flow_control_resumed_reading_total.inc();
    this.downstreamHold.set(HoldReason.Peer, false);
  }

  // --- and back

  onUpstreamData(data: Buffer): void {
    this.received += data.length;
    if (!this.flushing) this.chain.upstreamData(data, false);
  }

  onUpstreamEnd(): void {
    if (!this.flushing) this.chain.upstreamData(EMPTY, true);
  }

  toDownstream(data: Buffer, end: boolean): void {
    this.idle.touch();
    this.info.bytesSent += data.length;
    if (data.length > 0) this.socket.write(data);
    if (isFull(this.socket, this.service.bufferLimit)) {
      this.cluster?.stats.upstream_flow_control_paused_reading_total.inc();
      this.upstreamHold.set(HoldReason.Peer, true);
    }
    if (end) this.socket.end();
  }

  onUpstreamClosed(reset: boolean): void {
    this.upstream = undefined;
    if (!reset) return this.closeDownstream();
    this.reset = true;
    this.info.responseFlags |= ResponseFlag.UpstreamRemoteReset;
    this.finish(PeerType.Local);
  }

  onUpstreamFailed(reason: string): void {
    const { info, upstream } = this;
    this.upstream = undefined;
    if (this.closed || !upstream) return;
    info.connectionTried(upstream.host, this.askedAt);
    info.hostTried(upstream.host);
    info.upstream.transportFailureReason = reason;
    info.responseFlags |= ResponseFlag.UpstreamConnectionFailure;
    this.attempt(this.cluster!);
  }

  onUpstreamBug(error: unknown): void {
    this.onBug(error);
  }

  /** A defect of this host ends both connections. */
  private onBug(error: unknown): void {
    const { service, socket } = this;
    service.onBug(error);
    try {
      this.finish(PeerType.Local);
    } catch (again) {
      service.onBug(again);
      socket.destroy();
    }
  }

  // --- back-pressure

  holding(downstream: number, upstream: number): void {
    this.heldDownstream = overLimit(this.heldDownstream, downstream, this.service.bufferLimit);
    this.downstreamHold.set(HoldReason.Chain, this.heldDownstream);
    const limit = this.cluster?.config.perConnectionBufferLimitBytes ?? 0;
    this.heldUpstream = overLimit(this.heldUpstream, upstream, limit);
    this.upstreamHold.set(HoldReason.Chain, this.heldUpstream);
  }

  private onDownstreamHeld(held: boolean): void {
    if (held) this.socket.pause();
    else this.socket.resume();
  }

  private onUpstreamHeld(held: boolean): void {
    if (held) this.upstream?.socket.pause();
    else this.upstream?.socket.resume();
  }

  // --- ends from outside

  /** Nothing moved for as long as the connection may be silent. */
  private onIdle(): void {
    this.service.stats.idle_timeout.inc();
    this.finish(PeerType.Local);
  }

  /** It has lasted as long as it may. */
  private onLifetime(): void {
    this.service.stats.max_downstream_connection_duration.inc();
    this.info.responseFlags |= ResponseFlag.DurationTimeout;
    this.finish(PeerType.Local);
  }

  countBytes(): void {
    const { downstream_cx_rx_bytes_total: received, downstream_cx_tx_bytes_total: sent } = this.service.stats;
    this.connection.countBytes(received, sent);
    this.upstream?.countBytes();
  }

  kill(): void {
    this.finish(PeerType.Local);
  }
}
