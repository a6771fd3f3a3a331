import { ResponseFlag } from "../../../stores/stream-info";
import type { Fault } from "../../http1/message-reader";
import type { RequestStart } from "../../http1/request-reader";
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
import type { LateHead } from "./head-timer";
import { Http1Connection } from "./http1-connection";
import { Http1Stream } from "./http1-stream";
import { asksForTunnel, Http1Tunnel } from "./http1-tunnel";
import { refusalOfBytes } from "./refusal";
import { rawReply, unreadReply } from "./response-writer";

/** Speaks HTTP/1 on the connections it is given. */
export class Http1Codec {
  readonly underscores: UnderscoreStats;

  constructor(
    private readonly manager: ConnectionManager,
    store: StatsStore,
  ) {
    this.underscores = createUnderscoreStats(store, "http1");
  }

  /** Takes over a connection. */
  accept(base: DownstreamConnection): void {
    const { stats } = this.manager;
    const connection = new Http1Connection(this, this.manager, base);
    base.codec = connection;
    stats.downstream_cx_http1_total.inc();
    stats.downstream_cx_http1_active.add(1);
    connection.start();
  }

  /** The turn of a request has come; undefined when it came to nothing. */
  serveRequest(connection: Http1Connection, start: RequestStart): Http1Stream | undefined {
    const { manager } = this;
    manager.stats.downstream_rq_http1_total.inc();
    // What follows is not HTTP, whether it is granted or not.
    const asks = asksForTunnel(start, manager.upgrades);
    const codec = asks ? new Http1Tunnel(connection, start) : new Http1Stream(connection, start);
    const stream = this.begin(connection, codec);
    if (!stream) return undefined;
    try {
      this.serve(connection, stream, start, asks);
    } catch (error) {
      stream.onBug(error);
    }
    return codec;
  }

  private begin(connection: Http1Connection, codec: Http1Stream): ActiveStream | undefined {
    const { manager } = this;
    try {
      const stream = new ActiveStream(manager, connection.base, codec);
      codec.attach(stream);
      connection.stream = stream;
      return stream;
    } catch (error) {
      manager.onBug(error);
      connection.base.socket.write(rawReply(unreadReply(500, manager.edge.signature, ""), ""), "latin1");
      connection.close();
      return undefined;
    }
  }

  /** `asks`: for another protocol. */
  private serve(connection: Http1Connection, stream: ActiveStream, start: RequestStart, asks: boolean): void {
    const { manager } = this;
    const { codec } = manager.config;
    const { head, refusal } = configuredHead(start, asks, codec, this.underscores);
    if (refusal?.codec) {
      manager.stats.downstream_cx_protocol_error.inc();
      stream.reject(head.headers, refusal, false);
      return;
    }
    if (codec.maxRequests > 0 && ++connection.served >= codec.maxRequests && !connection.closing) {
      manager.stats.downstream_cx_max_requests_reached.inc();
      connection.closing = true;
    }
    const old = start.version !== "1.1";
    if (head.closes || (old && !head.keepsAlive)) connection.closing = true;
    if (head.expectsContinue) stream.sendContinue();
    const { headers } = head;
    const endStream = !start.hasBody;
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

  /** Bytes that are no HTTP: in the middle of a request, or in the place of one. */
  refuse(connection: Http1Connection, fault: Fault): void {
    const refusal = refusalOfBytes(fault);
    if (connection.stream) connection.stream.breakRequest(refusal);
    else this.answerUnread(connection, refusal, ResponseFlag.DownstreamProtocolError);
  }

  /** A request whose head does not end. */
  refuseLate(connection: Http1Connection, { body, details, flags, counter }: LateHead): void {
    this.manager.stats[counter].inc();
    this.answerUnread(connection, { status: 408, details, codec: true }, flags, body);
  }

  /** A request that never became a stream: one reply, one log entry of the filters, the end. */
  private answerUnread(
    connection: Http1Connection,
    { status, details }: Refusal,
    flags: number,
    body = reasonPhrase(status),
  ): void {
    const { base } = connection;
    const { stats, config, edge, codes, clock, listenerInfo, routes, clusters, createChain, needs } =
      this.manager;
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
