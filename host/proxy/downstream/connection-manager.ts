import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../clock";
import type { HttpConnectionManagerConfig, ListenerConfig } from "../../config/model";
import { ResponseFlag, type StreamInfo } from "../../stores/stream-info";
import type { ChainFactory } from "../chain";
import type { ClusterManager } from "../clusters/cluster-manager";
import { RouteTable } from "../router/route-table";
import type { StatsStore } from "../stats/store";
import { ActiveStream } from "./active-stream";
import { DownstreamConnection } from "./connection";
import { closeAfterFlush } from "./delayed-close";
import { CodeClassCounter, createHttpStats, type HttpStats } from "./http-stats";
import { reasonPhrase } from "./reason-phrases";
import { type Refusal, refusalOf, refusalOfBytes } from "./refusal";
import { readRequestHead } from "./request-headers";
import { rawReply } from "./response-writer";
import { StreamFacts } from "./stream-facts";
import { UnreadStream } from "./unread-stream";

/** Envoy's default `idle_timeout` of connections. */
export const IDLE_CONNECTION_MS = 3_600_000;

/** What a connection manager is built from. */
export interface ManagerDeps {
  clock: Clock;
  store: StatsStore;
  clusters: ClusterManager;
  createChain: ChainFactory;
  /** `listener.<address>.` */
  listenerPrefix: string;
}

/** Serves the HTTP/1.1 connections of one listener. */
export class ConnectionManager {
  readonly config: HttpConnectionManagerConfig;
  readonly routes: RouteTable;
  readonly clock: Clock;
  readonly clusters: ClusterManager;
  readonly createChain: ChainFactory;
  readonly stats: HttpStats;
  readonly codes: CodeClassCounter;
  readonly listenerInfo: StreamInfo["listener"];
  /** From the router filter. */
  readonly suppressEnvoyHeaders: boolean;
  readonly connections = new Map<Socket, DownstreamConnection>();
  draining = false;
  private idle: (() => void) | undefined;

  constructor(listener: ListenerConfig, deps: ManagerDeps) {
    this.config = listener.http;
    this.routes = new RouteTable(listener.http);
    this.clock = deps.clock;
    this.clusters = deps.clusters;
    this.createChain = deps.createChain;
    this.stats = createHttpStats(deps.store, listener.http.statPrefix);
    this.codes = new CodeClassCounter(deps.store, listener.http.statPrefix, deps.listenerPrefix);
    this.listenerInfo = {
      direction: listener.trafficDirection,
      metadata: listener.metadata,
      filterChainName: listener.filterChainName,
    };
    const router = listener.http.httpFilters.find((f) => f.kind === "router");
    this.suppressEnvoyHeaders = router?.kind === "router" && router.suppressEnvoyHeaders;
  }

  /** Takes over all events of a server. */
  serve(server: Server): void {
    server.on("connection", (socket) => this.onConnection(socket));
    server.on("request", (request, response) => this.onRequest(request, response));
    server.on("checkContinue", (request, response) => this.onRequest(request, response));
    server.on("checkExpectation", (request, response) => this.onRequest(request, response));
    server.on("connect", (_, socket) => this.onConnect(socket as Socket));
    server.on("timeout", (socket) => this.onSilence(socket));
    server.on("clientError", (error, socket) => this.onClientError(error, socket));
  }

  private onConnection(socket: Socket): void {
    const connection = new DownstreamConnection(socket);
    const { stats } = this;
    this.connections.set(socket, connection);
    stats.downstream_cx_total.inc();
    stats.downstream_cx_http1_total.inc();
    stats.downstream_cx_active.add(1);
    stats.downstream_cx_http1_active.add(1);
    socket.on("error", () => {
      connection.remoteClosed = true;
    });
    socket.once("end", () => {
      connection.remoteClosed = true;
    });
    socket.once("close", () => this.onClose(socket, connection));
  }

  private onClose(socket: Socket, connection: DownstreamConnection): void {
    const { stats } = this;
    this.connections.delete(socket);
    stats.downstream_cx_active.add(-1);
    stats.downstream_cx_http1_active.add(-1);
    stats.downstream_cx_length_ms.record(Math.round(performance.now() - connection.opened));
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

  /** Nothing was read or written for as long as a stream, or an idle connection, may be silent. */
  private onSilence(socket: Socket): void {
    const connection = this.connections.get(socket);
    if (connection?.stream) {
      this.stats.downstream_rq_idle_timeout.inc();
      connection.stream.onIdleTimeout();
    } else if (connection && performance.now() - connection.opened < IDLE_CONNECTION_MS && !connection.used) {
      // No request yet: node:http counted with the time of a stream.
      socket.setTimeout(IDLE_CONNECTION_MS);
    } else {
      this.stats.downstream_cx_idle_timeout.inc();
      socket.destroy();
    }
  }

  private onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.connections.get(request.socket);
    if (!connection) return void request.socket.destroy();
    const { stats } = this;
    stats.downstream_rq_total.inc();
    stats.downstream_rq_http1_total.inc();
    stats.downstream_rq_active.add(1);
    connection.active++;
    connection.used = true;
    const stream = new ActiveStream(this, connection, request, response);
    connection.stream = stream;
    const head = readRequestHead(request.method ?? "", request.url ?? "", request.rawHeaders);
    const refusal = refusalOf(request, head, this.stats, this.config.acceptHttp10);
    if (refusal) {
      if (refusal.codec) this.stats.downstream_cx_protocol_error.inc();
      stream.reject(head, refusal);
      return;
    }
    const http10 = request.httpVersion !== "1.1";
    if (head.closes || (http10 && !head.keepsAlive)) connection.closing = true;
    if (head.expectsContinue) {
      this.codes.count(100);
      response.writeContinue();
    }
    // What follows an upgrade that was not granted is not HTTP any more.
    if (head.upgrade !== undefined) connection.closing = true;
    stream.start(head);
  }

  /** CONNECT has no route here. */
  private onConnect(socket: Socket): void {
    const connection = this.connections.get(socket);
    if (!connection) return void socket.destroy();
    this.stats.rq_total.inc();
    this.stats.no_route.inc();
    const refusal = { status: 404, details: "route_not_found", codec: false };
    this.answerUnread(connection, refusal, ResponseFlag.NoRouteFound);
  }

  /** Bytes that are no HTTP: one reply if none is under way, then the end. */
  private onClientError(error: Error, stream: Duplex): void {
    const socket = stream as Socket;
    const connection = this.connections.get(socket);
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!code.startsWith("HPE_") || !socket.writable || !connection || connection.active > 1) {
      socket.destroy();
      return;
    }
    this.stats.downstream_cx_protocol_error.inc();
    connection.closing = true;
    if (connection.active > 0) {
      // The body of the request being served is broken.
      connection.stream?.breakRequest();
      return;
    }
    this.answerUnread(
      connection,
      refusalOfBytes(error as { code?: string; reason?: string }),
      ResponseFlag.DownstreamProtocolError,
    );
  }

  /** A request that never became a stream: one reply, one log entry of the filters, the end. */
  private answerUnread(connection: DownstreamConnection, refusal: Refusal, flags: number): void {
    const { stats, config } = this;
    const { status, details, codec } = refusal;
    const body = codec ? reasonPhrase(status) : "";
    stats.downstream_rq_total.inc();
    stats.downstream_rq_http1_total.inc();
    stats.downstream_rq_response_before_rq_complete.inc();
    stats.downstream_rq_rx_reset.inc();
    this.codes.count(status);
    connection.socket.write(rawReply(status, config.serverName, body), "latin1");
    closeAfterFlush(connection.socket);
    const info = new StreamFacts(connection.info, this.listenerInfo, this.clock, this.routes, this.clusters);
    info.responseCode = status;
    info.responseCodeDetails = details;
    info.responseFlags = flags;
    info.bytesSent = body.length;
    info.endMonotonic = this.clock.monotonic();
    this.createChain(new UnreadStream(info)).finish();
  }

  streamFinished(stream: ActiveStream, connection: DownstreamConnection): void {
    const { stats } = this;
    connection.active--;
    if (connection.stream === stream) connection.stream = undefined;
    stats.downstream_rq_active.add(-1);
    const { startMonotonic, endMonotonic } = stream.info;
    if (endMonotonic !== undefined) {
      stats.downstream_rq_time.record(Math.round(Number(endMonotonic - startMonotonic) / 1e6));
    }
    if (this.draining && connection.active === 0) this.closeIdle(connection);
  }

  private closeIdle(connection: DownstreamConnection): void {
    closeAfterFlush(connection.socket);
  }

  /** Brings the byte counters of open connections up to date. */
  countBytes(): void {
    const { downstream_cx_rx_bytes_total: received, downstream_cx_tx_bytes_total: sent } = this.stats;
    for (const connection of this.connections.values()) connection.countBytes(received, sent);
  }

  /** Stops keeping connections; resolves when the last one is gone. */
  drain(): Promise<void> {
    this.draining = true;
    for (const connection of this.connections.values()) {
      if (connection.active === 0) this.closeIdle(connection);
    }
    return new Promise((resolve) => {
      this.idle = resolve;
      this.checkIdle();
    });
  }

  private checkIdle(): void {
    if (this.connections.size === 0) this.idle?.();
  }

  /** Cuts every connection. */
  kill(): void {
    for (const socket of this.connections.keys()) socket.destroy();
  }
}
