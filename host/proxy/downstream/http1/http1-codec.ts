import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ResponseFlag } from "../../../stores/stream-info";
import { ActiveStream } from "../active-stream";
import { type DownstreamConnection, IDLE_CONNECTION_MS } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import { reasonPhrase } from "../reason-phrases";
import type { Refusal } from "../refusal";
import { StreamFacts } from "../stream-facts";
import { UnreadStream } from "../unread-stream";
import { closeAfterFlush } from "./delayed-close";
import { Http1Connection } from "./http1-connection";
import { Http1Stream } from "./http1-stream";
import { refusalOf, refusalOfBytes } from "./refusal";
import { readRequestHead } from "./request-headers";
import { rawReply } from "./response-writer";

/** Envoy's default `max_request_headers_kb`. */
const MAX_HEADER_BYTES = 60 * 1024;

/** Speaks HTTP/1 on the connections it is given: node:http's server, which never listens itself. */
export class Http1Codec {
  private readonly server: Server;
  private readonly connections = new Map<Socket, Http1Connection>();

  constructor(private readonly manager: ConnectionManager) {
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      // Silence alone ends a connection or a stream, see onSilence.
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      requireHostHeader: false,
    });
    server.timeout = manager.streamIdleMs;
    server.maxHeadersCount = 0;
    server.on("request", (request, response) => this.onRequest(request, response));
    server.on("checkContinue", (request, response) => this.onRequest(request, response));
    server.on("checkExpectation", (request, response) => this.onRequest(request, response));
    server.on("connect", (_, socket) => this.onConnect(socket as Socket));
    server.on("timeout", (socket) => this.onSilence(socket));
    server.on("clientError", (error, socket) => this.onClientError(error, socket));
    this.server = server;
  }

  /** Takes over a connection. */
  accept(base: DownstreamConnection): void {
    const { socket } = base;
    const connection = new Http1Connection(this.manager, base);
    const { stats } = this.manager;
    base.codec = connection;
    this.connections.set(socket, connection);
    stats.downstream_cx_http1_total.inc();
    stats.downstream_cx_http1_active.add(1);
    socket.once("close", () => {
      this.connections.delete(socket);
      stats.downstream_cx_http1_active.add(-1);
    });
    this.server.emit("connection", socket);
  }

  /** Nothing was read or written for as long as a stream, or an idle connection, may be silent. */
  private onSilence(socket: Socket): void {
    const connection = this.connections.get(socket);
    const { stats } = this.manager;
    if (connection?.stream) {
      stats.downstream_rq_idle_timeout.inc();
      connection.stream.onIdleTimeout();
    } else if (connection && !connection.used && connection.base.age < IDLE_CONNECTION_MS) {
      // No request yet: node:http counted with the time of a stream.
      socket.setTimeout(IDLE_CONNECTION_MS);
    } else {
      stats.downstream_cx_idle_timeout.inc();
      socket.destroy();
    }
  }

  private onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.connections.get(request.socket);
    if (!connection) return void request.socket.destroy();
    const { manager } = this;
    manager.stats.downstream_rq_http1_total.inc();
    connection.used = true;
    const codec = new Http1Stream(connection, request, response);
    const stream = new ActiveStream(manager, connection.base, codec);
    codec.attach(stream);
    connection.stream = stream;
    const head = readRequestHead(request.method ?? "", request.url ?? "", request.rawHeaders);
    const refusal = refusalOf(request, head, manager.stats, manager.config.acceptHttp10);
    if (refusal) {
      if (refusal.codec) manager.stats.downstream_cx_protocol_error.inc();
      stream.reject(head.headers, refusal);
      return;
    }
    const old = request.httpVersion !== "1.1";
    if (head.closes || (old && !head.keepsAlive)) connection.closing = true;
    if (head.expectsContinue) stream.sendContinue();
    const { headers } = head;
    const endStream = head.transferEncoding === undefined && !Number(headers.get("content-length") ?? 0);
    if (head.upgrade === undefined) {
      stream.start(headers, endStream);
      return;
    }
    // What follows an upgrade that was not granted is not HTTP any more.
    connection.closing = true;
    stream.refuseUpgrade(headers, endStream);
  }

  /** CONNECT has no route here. */
  private onConnect(socket: Socket): void {
    const connection = this.connections.get(socket);
    if (!connection) return void socket.destroy();
    const { stats } = this.manager;
    stats.rq_total.inc();
    stats.no_route.inc();
    const refusal = { status: 404, details: "route_not_found", codec: false };
    this.answerUnread(connection, refusal, ResponseFlag.NoRouteFound);
  }

  /** Bytes that are no HTTP: one reply if none is under way, then the end. */
  private onClientError(error: Error, stream: Duplex): void {
    const socket = stream as Socket;
    const connection = this.connections.get(socket);
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!code.startsWith("HPE_") || !socket.writable || !connection || connection.base.active > 1) {
      socket.destroy();
      return;
    }
    this.manager.stats.downstream_cx_protocol_error.inc();
    connection.closing = true;
    if (connection.base.active > 0) {
      // The body of the request being served is broken.
      connection.stream?.breakRequest("http1.codec_error");
      return;
    }
    this.answerUnread(
      connection,
      refusalOfBytes(error as { code?: string; reason?: string }),
      ResponseFlag.DownstreamProtocolError,
    );
  }

  /** A request that never became a stream: one reply, one log entry of the filters, the end. */
  private answerUnread({ base }: Http1Connection, refusal: Refusal, flags: number): void {
    const { stats, config, codes, clock, listenerInfo, routes, clusters, createChain } = this.manager;
    const { status, details, codec } = refusal;
    const body = codec ? reasonPhrase(status) : "";
    stats.downstream_rq_total.inc();
    stats.downstream_rq_http1_total.inc();
    stats.downstream_rq_response_before_rq_complete.inc();
    stats.downstream_rq_rx_reset.inc();
    codes.count(status);
    base.socket.write(rawReply(status, config.serverName, body), "latin1");
    closeAfterFlush(base.socket);
    const info = new StreamFacts(base.info, listenerInfo, clock, routes, clusters);
    info.responseCode = status;
    info.responseCodeDetails = details;
    info.responseFlags = flags;
    info.bytesSent = body.length;
    info.endMonotonic = clock.monotonic();
    createChain(new UnreadStream(info)).finish();
  }
}
