import type { Socket } from "node:net";
import type { Clock } from "../../clock";
import type {
  HttpConnectionManagerConfig,
  HttpListenerConfig,
  ManagerTimeouts,
  NodeConfig,
} from "../../config/model";
import type { HttpCaller } from "../../context/http-caller";
import type { Need } from "../../formatter/scope";
import type { ConnectionInfo, StreamInfo } from "../../stores/stream-info";
import { needsOf } from "../access-log/needs";
import type { ChainFactory } from "../chain";
import type { ClusterManager } from "../clusters/cluster-manager";
import { contained, type OnBug } from "../contain";
import type { ConnectionService } from "../listener";
import type { RouterOptions } from "../router/request-limits";
import { RouteTable } from "../router/route-table";
import type { StatsStore } from "../stats/store";
import { Tracing } from "../tracing/tracing";
import { DownstreamConnection } from "./connection";
import { ConnectionTimers } from "./connection-timers";
import { Edge } from "./edge/edge";
import { CodeClassCounter, createHttpStats, type HttpStats } from "./http-stats";
import { Http1Codec } from "./http1/http1-codec";
import { Http2Codec } from "./http2/http2-codec";
import { LocalReplies } from "./local-replies";
import { detectProtocol, type Protocol, protocolOf } from "./protocol-detection";
import type { StreamFacts } from "./stream-facts";
import { Upgrades } from "./upgrades";

const NO_OPTIONS: RouterOptions = { suppressEnvoyHeaders: false, respectExpectedTimeout: false };

/** What a connection manager is built from. */
export interface ManagerDeps {
  clock: Clock;
  store: StatsStore;
  clusters: ClusterManager;
  createChain: ChainFactory;
  /** For upgrades of a type that has filters of its own. */
  upgradeChains?: ReadonlyMap<string, ChainFactory>;
  onBug: OnBug;
  /** Whether the administrator has declared the proxy unwell: then its clients shall go elsewhere. */
  health: { readonly failed: boolean };
  /** Carries spans to their collector. */
  caller: HttpCaller;
  /** What the proxy is called, for the next hop. */
  node: NodeConfig;
  /** `listener.<address>.` */
  listenerPrefix: string;
}

/** Serves the HTTP connections of one listener. */
export class ConnectionManager implements ConnectionService {
  config: HttpConnectionManagerConfig;
  edge: Edge;
  routes: RouteTable;
  readonly localReplies: LocalReplies | undefined;
  /** What formats ask for, which is not written down otherwise. */
  needs: ReadonlySet<Need>;
  readonly clock: Clock;
  readonly clusters: ClusterManager;
  readonly createChain: ChainFactory;
  upgrades: Upgrades;
  readonly onBug: OnBug;
  readonly stats: HttpStats;
  readonly codes: CodeClassCounter;
  readonly listenerInfo: StreamInfo["listener"];
  readonly router: RouterOptions;
  readonly timeouts: ManagerTimeouts;
  /** Undefined: nothing is traced. */
  readonly tracing: Tracing | undefined;
  /** Bytes of a request that are kept to be sent again. */
  readonly bufferLimit: number;
  readonly connections = new Map<Socket, DownstreamConnection>();
  /** Its connections end one after the other. */
  private retired = false;
  private readonly codecs: Readonly<Record<Protocol, { accept(connection: DownstreamConnection): void }>>;
  private idle: (() => void) | undefined;

  constructor(
    listener: HttpListenerConfig,
    private readonly deps: ManagerDeps,
  ) {
    this.config = listener.http;
    this.edge = new Edge(listener.http, deps.node);
    this.routes = new RouteTable(listener.http);
    this.needs = needsOf(listener.http);
    const { localReply } = listener.http;
    this.localReplies = localReply && new LocalReplies(localReply);
    this.clock = deps.clock;
    this.clusters = deps.clusters;
    this.createChain = deps.createChain;
    this.upgrades = new Upgrades(listener.http, deps.createChain, deps.upgradeChains);
    this.onBug = deps.onBug;
    this.stats = createHttpStats(deps.store, listener.http.statPrefix);
    this.codes = new CodeClassCounter(deps.store, listener.http.statPrefix, deps.listenerPrefix);
    this.listenerInfo = {
      direction: listener.trafficDirection,
      metadata: listener.metadata,
      filterChainName: listener.filterChainName,
      name: listener.name,
    };
    const router = listener.http.httpFilters.find((f) => f.kind === "router");
    this.bufferLimit = listener.perConnectionBufferLimitBytes;
    this.timeouts = listener.http.timeouts;
    const { tracing } = listener.http;
    this.tracing = tracing && new Tracing(listener, tracing, deps);
    this.codecs = {
      HTTP1: new Http1Codec(this, deps.store),
      HTTP2: new Http2Codec(this, listener.http.http2, deps.store),
    };
    this.router = router?.kind === "router" ? router : NO_OPTIONS;
  }

  /** Connections take no request behind the one that they have. */
  get draining(): boolean {
    return this.retired || this.deps.health.failed;
  }

  /** Serves a new connection. */
  accept(socket: Socket, info?: ConnectionInfo): void {
    const connection = new DownstreamConnection(socket, info);
    const { stats } = this;
    connection.timers = new ConnectionTimers(this, connection);
    this.connections.set(socket, connection);
    stats.downstream_cx_total.inc();
    stats.downstream_cx_active.add(1);
    if (connection.info.tls) {
      stats.downstream_cx_ssl_total.inc();
      stats.downstream_cx_ssl_active.add(1);
    }
    socket.on("error", () => {
      connection.remoteClosed = true;
    });
    socket.once("end", () => {
      connection.remoteClosed = true;
    });
    socket.once(
      "close",
      contained(() => this.onClose(socket, connection), this.onBug),
    );
    const { codecType } = this.config;
    // Under TLS nothing is said before the client has spoken: until then it may be refused.
    if (codecType === "AUTO" || connection.info.tls) this.detect(connection);
    else this.codecs[codecType].accept(connection);
  }

  /** What a connection speaks: as configured, as ALPN says, or as its first bytes do. */
  private protocolOf({ info }: DownstreamConnection, bytes: Buffer): Protocol | undefined {
    const { codecType } = this.config;
    if (codecType !== "AUTO") return codecType;
    const agreed = info.tls?.alpn;
    if (agreed) return agreed === "h2" ? "HTTP2" : "HTTP1";
    return protocolOf(bytes);
  }

  private detect(connection: DownstreamConnection): void {
    detectProtocol(
      connection.socket,
      (bytes) => this.protocolOf(connection, bytes),
      (protocol) => this.codecs[protocol].accept(connection),
    );
  }

  private onClose(socket: Socket, connection: DownstreamConnection): void {
    const { stats } = this;
    this.connections.delete(socket);
    connection.timers?.stop();
    stats.downstream_cx_active.add(-1);
    if (connection.info.tls) stats.downstream_cx_ssl_active.add(-1);
    stats.downstream_cx_length_ms.record(Math.round(connection.age));
    connection.countBytes(stats.downstream_cx_rx_bytes_total, stats.downstream_cx_tx_bytes_total);
    stats.downstream_cx_destroy.inc();
    const { remoteClosed } = connection;
    (remoteClosed ? stats.downstream_cx_destroy_remote : stats.downstream_cx_destroy_local).inc();
    if (connection.active > 0) {
      stats.downstream_cx_destroy_active_rq.inc();
      (remoteClosed
        ? stats.downstream_cx_destroy_remote_active_rq
        : stats.downstream_cx_destroy_local_active_rq
      ).inc();
    }
    this.checkIdle();
  }

  streamStarted(connection: DownstreamConnection): void {
    this.stats.downstream_rq_total.inc();
    this.stats.downstream_rq_active.add(1);
    connection.active++;
    connection.timers?.onBusy();
  }

  streamFinished({ startMonotonic, endMonotonic }: StreamFacts, connection: DownstreamConnection): void {
    const { stats } = this;
    connection.active--;
    stats.downstream_rq_active.add(-1);
    if (endMonotonic !== undefined) {
      stats.downstream_rq_time.record(Math.round(Number(endMonotonic - startMonotonic) / 1e6));
    }
    if (connection.active === 0) connection.timers?.onIdle();
    connection.codec?.streamFinished(connection.active === 0);
  }

  /** Brings the byte counters of open connections up to date. */
  countBytes(): void {
    const { downstream_cx_rx_bytes_total: received, downstream_cx_tx_bytes_total: sent } = this.stats;
    for (const connection of this.connections.values()) connection.countBytes(received, sent);
  }

  /** Stops keeping connections; resolves when the last one is gone. */
  drain(): Promise<void> {
    this.retired = true;
    for (const { codec, socket } of this.connections.values()) {
      if (codec) codec.drain();
      else socket.destroy();
    }
    return this.emptied();
  }

  /** Connections end behind their next answer, at the latest when they are idle; resolves when the last one is gone. */
  async retire(): Promise<void> {
    this.retired = true;
    await this.emptied();
    this.tracing?.close();
  }

  private emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.idle = resolve;
      this.checkIdle();
    });
  }

  /** Streams to come are routed as this configuration says; everything else of it must be as it was. */
  reroute(config: HttpConnectionManagerConfig): void {
    const { createChain, upgradeChains, node } = this.deps;
    this.config = config;
    this.routes = new RouteTable(config);
    this.needs = needsOf(config);
    // `internal_only_headers` stand with the routes.
    this.edge = new Edge(config, node);
    this.upgrades = new Upgrades(config, createChain, upgradeChains);
  }

  private checkIdle(): void {
    if (this.connections.size === 0) this.idle?.();
  }

  /** Cuts every connection. */
  kill(): void {
    this.tracing?.close();
    for (const socket of this.connections.keys()) socket.destroy();
  }
}
