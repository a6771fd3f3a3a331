import type { ServerOpts, Socket } from "node:net";
import type { Clock } from "../../clock";
import type { TcpListenerConfig, TcpProxyConfig } from "../../config/model";
import type { StreamInfo } from "../../stores/stream-info";
import type { AccessLogger } from "../../stream/access-logger";
import type { NetworkFilterFactory } from "../../stream/network-filter";
import type { ClusterManager } from "../clusters/cluster-manager";
import type { DownstreamConnection } from "../downstream/connection";
import type { ConnectionService } from "../listener";
import type { StatsStore } from "../stats/store";
import { ClusterChoice } from "./cluster-choice";
import { socketBuffer } from "./socket-buffer";
import { TcpConnection } from "./tcp-connection";
import { createTcpStats, type TcpStats } from "./tcp-stats";
import type { UpstreamConnection } from "./upstream-connection";

/** What a TCP service is built from. */
export interface TcpServiceDeps {
  clock: Clock;
  store: StatsStore;
  clusters: ClusterManager;
  filters: readonly NetworkFilterFactory[];
  onBug: (error: unknown) => void;
  loggers?: readonly AccessLogger[];
}

/** A listener whose filter chain ends in the TCP proxy. */
export class TcpService implements ConnectionService {
  readonly socketOptions: ServerOpts;
  readonly config: TcpProxyConfig;
  readonly choice: ClusterChoice;
  readonly stats: TcpStats;
  readonly clock: Clock;
  readonly clusters: ClusterManager;
  readonly filters: readonly NetworkFilterFactory[];
  readonly onBug: (error: unknown) => void;
  readonly loggers: readonly AccessLogger[];
  readonly listenerInfo: StreamInfo["listener"];
  /** Bytes held of one direction before its reading stops; 0 = no limit. */
  readonly bufferLimit: number;
  readonly connections = new Map<Socket, TcpConnection>();
  private readonly flushes = new Set<UpstreamConnection>();
  private idle: (() => void) | undefined;

  constructor(listener: TcpListenerConfig, deps: TcpServiceDeps) {
    this.config = listener.tcp;
    this.choice = new ClusterChoice(listener.tcp);
    this.clock = deps.clock;
    this.clusters = deps.clusters;
    this.filters = deps.filters;
    this.onBug = deps.onBug;
    this.loggers = deps.loggers ?? [];
    this.stats = createTcpStats(deps.store, listener.tcp.statPrefix);
    this.bufferLimit = listener.perConnectionBufferLimitBytes;
    this.listenerInfo = {
      direction: listener.trafficDirection,
      metadata: listener.metadata,
      filterChainName: listener.filterChainName,
      name: listener.name,
    };
    this.socketOptions = { pauseOnConnect: true, highWaterMark: socketBuffer(this.bufferLimit) };
  }

  accept(socket: Socket): void {
    this.stats.downstream_cx_total.inc();
    const connection = new TcpConnection(this, socket);
    this.connections.set(socket, connection);
    connection.start();
  }

  /** A client connection has ended. */
  onClosed(socket: Socket, connection: DownstreamConnection): void {
    this.connections.delete(socket);
    connection.countBytes(this.stats.downstream_cx_rx_bytes_total, this.stats.downstream_cx_tx_bytes_total);
    this.checkIdle();
  }

  /** Lets an upstream connection send what its client, now gone, has left behind. */
  flush(upstream: UpstreamConnection): void {
    const { upstream_flush_total: total, upstream_flush_active: active } = this.stats;
    total.inc();
    active.add(1);
    this.flushes.add(upstream);
    upstream.flushAndClose(() => {
      active.add(-1);
      this.flushes.delete(upstream);
    });
  }

  countBytes(): void {
    for (const connection of this.connections.values()) connection.countBytes();
    for (const upstream of this.flushes) upstream.countBytes();
  }

  /** Connections end when their peers end them; resolves when the last one is gone. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.idle = resolve;
      this.checkIdle();
    });
  }

  /** A connection is one exchange: it ends by itself. */
  retire(): Promise<void> {
    return this.drain();
  }

  private checkIdle(): void {
    if (this.connections.size === 0) this.idle?.();
  }

  kill(): void {
    for (const connection of this.connections.values()) connection.kill();
    for (const upstream of this.flushes) upstream.cut(false);
  }
}
