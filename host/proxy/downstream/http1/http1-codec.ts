import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ResponseFlag } from "../../../stores/stream-info";
import { properCase } from "../../proper-case";
import type { StatsStore } from "../../stats/store";
import { createUnderscoreStats, type UnderscoreStats } from "../../underscores";
import { ActiveStream } from "../active-stream";
import type { DownstreamConnection } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import { reasonPhrase } from "../reason-phrases";
import type { Refusal } from "../refusal";
import { StreamFacts } from "../stream-facts";
import { StreamMeter } from "../stream-meter";
import { UnreadStream } from "../unread-stream";
import { configuredHead } from "./configured-head";
import { HeadTimer, type LateHead } from "./head-timer";
import { Http1Connection, type Turn } from "./http1-connection";
import { Http1Stream } from "./http1-stream";
import { type Handover, Http1Tunnel } from "./http1-tunnel";
import { mayHaveLostBytes, noteLostBytes } from "./lost-bytes";
import { refusalOfBytes } from "./refusal";
import { rawReply, unreadReply } from "./response-writer";

/** Speaks HTTP/1 on the connections it is given: node:http's server, which never listens itself. */
export class Http1Codec {
  private readonly server: Server;
  private watchesUpgrades = false;
  private readonly connections = new Map<Socket, Http1Connection>();

  private readonly underscores: UnderscoreStats;

  constructor(
    private readonly manager: ConnectionManager,
    store: StatsStore,
  ) {
    this.underscores = createUnderscoreStats(store, "http1");
    const server = createServer({
      maxHeaderSize: manager.config.codec.limits.bytes,
      // Time limits are the stream's and the connection's own.
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
      requireHostHeader: false,
      shouldUpgradeCallback: (request: IncomingMessage) => {
        if (manager.upgrades.mayGrant((request.headers.upgrade ?? "").toLowerCase())) {
          this.watchUpgrades();
          return true;
        }
        noteLostBytes(request);
        return false;
      },
    });
    server.timeout = 0;
    server.maxHeadersCount = 0;
    const onRequest = (request: IncomingMessage, response: ServerResponse) =>
      this.safely(request.socket, () => this.onRequest(request, response));
    server.on("request", onRequest);
    server.on("checkContinue", (request, response) => {
      // Whether the client is told to go on is for the request's head to say; node:http would close without it.
      Object.assign(response, { _expect_continue: false });
      onRequest(request, response);
    });
    server.on("checkExpectation", onRequest);
    server.on("connect", this.onHandover);
    server.on("clientError", (error, stream) => {
      const socket = stream as Socket;
      this.safely(socket, () => this.onClientError(error, socket));
    });
    this.server = server;
  }

  private readonly onHandover = (request: IncomingMessage, socket: Duplex, rest: Buffer) =>
    this.safely(socket as Socket, () => this.onTunnel(request, { socket: socket as Socket, rest }));

  /** node:http hands requests over only to a listener; a changed configuration may be the first to grant an upgrade. */
  private watchUpgrades(): void {
    if (this.watchesUpgrades || this.manager.upgrades.none) return;
    this.watchesUpgrades = true;
    this.server.on("upgrade", this.onHandover);
  }

  /** A defect of this host ends the stream that is being served, or the connection if there is none. */
  private safely(socket: Socket, run: () => void): void {
    try {
      run();
    } catch (error) {
      const stream = this.connections.get(socket)?.stream;
      if (stream) stream.onBug(error);
      else {
        this.manager.onBug(error);
        socket.destroy();
      }
    }
  }

  /** Takes over a connection. */
  accept(base: DownstreamConnection): void {
    this.watchUpgrades();
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
      // After a CONNECT node:http watches the connection no more.
      this.safely(socket, () => connection.stream?.onGone());
    });
    this.server.emit("connection", socket);
    // Behind it: a listener of before would not be told of bytes that node:http's parser takes off the handle.
    connection.headTimer = HeadTimer.watch(connection, (late) => this.onLateHead(connection, late));
  }

  private onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.connections.get(request.socket);
    if (!connection) return void request.socket.destroy();
    connection.enqueue(new RequestTurn(this, connection, request, response));
  }

  /** A request that node:http has found to ask for another protocol; it reads the connection no more. */
  private onTunnel(request: IncomingMessage, handover: Handover): void {
    const connection = this.connections.get(handover.socket);
    if (!connection) return void handover.socket.destroy();
    connection.enqueue(new RequestTurn(this, connection, request, new ServerResponse(request), handover));
  }

  /** The turn of a request has come. */
  serveRequest(
    connection: Http1Connection,
    request: IncomingMessage,
    response: ServerResponse,
    handover: Handover | undefined,
  ): void {
    const { manager } = this;
    manager.stats.downstream_rq_http1_total.inc();
    const stream = this.begin(connection, request, response, handover);
    if (!stream) return;
    try {
      this.serve(connection, stream, request, handover !== undefined);
    } catch (error) {
      stream.onBug(error);
    }
  }

  private begin(
    connection: Http1Connection,
    request: IncomingMessage,
    response: ServerResponse,
    handover: Handover | undefined,
  ) {
    const { manager } = this;
    try {
      const codec = handover
        ? new Http1Tunnel(connection, request, response, handover)
        : new Http1Stream(connection, request, response);
      const stream = new ActiveStream(manager, connection.base, codec);
      codec.attach(stream);
      response.once("close", () => this.safely(connection.base.socket, () => connection.next()));
      connection.stream = stream;
      return stream;
    } catch (error) {
      manager.onBug(error);
      response.writeHead(500, { connection: "close" }).end();
      return undefined;
    }
  }

  /** `asks`: for another protocol. */
  private serve(
    connection: Http1Connection,
    stream: ActiveStream,
    request: IncomingMessage,
    asks: boolean,
  ): void {
    const { manager } = this;
    const { codec } = manager.config;
    const { head, refusal } = configuredHead(request, asks, codec, this.underscores);
    if (refusal?.codec) {
      manager.stats.downstream_cx_protocol_error.inc();
      stream.reject(head.headers, refusal, false);
      return;
    }
    if (codec.maxRequests > 0 && ++connection.served >= codec.maxRequests && !connection.closing) {
      manager.stats.downstream_cx_max_requests_reached.inc();
      connection.closing = true;
    }
    const old = request.httpVersion !== "1.1";
    if (head.closes || (old && !head.keepsAlive) || mayHaveLostBytes(request)) connection.closing = true;
    if (head.expectsContinue) stream.sendContinue();
    const { headers } = head;
    const endStream = head.transferEncoding === undefined && !Number(head.contentLength ?? 0);
    if (refusal) {
      stream.reject(headers, refusal, endStream);
      return;
    }
    if (head.upgrade === undefined) {
      stream.start(headers, endStream);
      return;
    }
    // What follows an upgrade that was not granted is not HTTP any more.
    connection.closing = true;
    if (asks) stream.startTunnel(head.upgrade, headers, false);
    else stream.refuseUpgrade(headers, endStream);
  }

  /** Bytes that are no HTTP: what came before them is answered, then they are, and that is the end. */
  private onClientError(error: Error, socket: Socket): void {
    const connection = this.connections.get(socket);
    const code = (error as NodeJS.ErrnoException).code ?? "";
    // Half a request and the end of the connection is no request at all.
    if (!code.startsWith("HPE_") || code === "HPE_INVALID_EOF_STATE" || !socket.writable || !connection) {
      socket.destroy();
      return;
    }
    const refusal = refusalOfBytes(error as { code?: string; reason?: string });
    const newest = connection.newest;
    if (newest instanceof RequestTurn && !newest.complete) {
      if (newest.broken) return;
      this.manager.stats.downstream_cx_protocol_error.inc();
      newest.break(refusal);
      return;
    }
    // Whatever a client sends after it has asked for the end.
    if (connection.closing || newest?.last || code === "HPE_CLOSED_CONNECTION") return;
    this.manager.stats.downstream_cx_protocol_error.inc();
    connection.enqueue({
      complete: true,
      last: true,
      serve: () => this.answerUnread(connection, refusal, ResponseFlag.DownstreamProtocolError),
    });
  }

  /** A request whose head does not end. */
  private onLateHead(connection: Http1Connection, { body, details, flags, counter }: LateHead): void {
    this.manager.stats[counter].inc();
    connection.closing = true;
    this.answerUnread(connection, { status: 408, details, codec: true }, flags, body);
  }

  /** A request that never became a stream: one reply, one log entry of the filters, the end. */
  private answerUnread(
    connection: Http1Connection,
    refusal: Refusal,
    flags: number,
    text = reasonPhrase(refusal.status),
  ): void {
    const { base } = connection;
    const { stats, config, edge, codes, clock, listenerInfo, routes, clusters, createChain, needs } =
      this.manager;
    const { status, details, codec } = refusal;
    const body = codec ? text : "";
    stats.downstream_rq_total.inc();
    stats.downstream_rq_http1_total.inc();
    stats.downstream_rq_response_before_rq_complete.inc();
    stats.downstream_rq_rx_reset.inc();
    codes.count(status);
    const headers = unreadReply(status, edge.signature, body);
    base.socket.write(rawReply(headers, body, config.codec.properCase ? properCase : undefined), "latin1");
    connection.close();
    const info = new StreamFacts(base.info, listenerInfo, clock, routes, clusters);
    if (needs.size > 0) new StreamMeter(info, needs).wholeResponse(headers, body.length);
    info.responseHeaders = headers;
    info.responseCode = status;
    info.responseCodeDetails = details;
    info.responseFlags = flags;
    info.bytesSent = body.length;
    info.endMonotonic = clock.monotonic();
    createChain(new UnreadStream(info)).finish();
  }
}

/** A request that waits for its turn, or has it. */
class RequestTurn implements Turn {
  /** Why the rest of its body cannot be read. */
  broken: Refusal | undefined;
  private served = false;

  constructor(
    private readonly codec: Http1Codec,
    private readonly connection: Http1Connection,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    /** Nothing behind the request is HTTP. */
    private readonly handover?: Handover,
  ) {}

  get complete(): boolean {
    return this.handover !== undefined || this.request.complete;
  }

  get last(): boolean {
    return this.handover !== undefined;
  }

  serve(): void {
    this.codec.serveRequest(this.connection, this.request, this.response, this.handover);
    if (this.broken) this.connection.stream?.breakRequest(this.broken);
    this.served = true;
  }

  break(refusal: Refusal): void {
    this.broken = refusal;
    if (this.served) this.connection.stream?.breakRequest(refusal);
  }
}
