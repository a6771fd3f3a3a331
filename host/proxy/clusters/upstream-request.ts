import { HeaderMap } from "../../stores/header-map";
import { trailerLines } from "../http1/head-text";
import type { RawFields } from "../http1/message-reader";
import type { ResponseStart } from "../http1/response-reader";
import { properCase } from "../proper-case";
import { CONNECT } from "../tunnel/upgrade-headers";
import type { Cluster, Host } from "./cluster";
import type { ChannelUser } from "./host-pool";
import type { Http1Channel } from "./http1-channel";
import { RequestCount } from "./request-count";
import { checkSendable, requestHead, tunnelHead } from "./request-writer";
import { isWellFormed, keepsAlive, mayPrecede, responseHeaders } from "./response-reader";
import { failureText, type ResetReason, type UpstreamEvents, type UpstreamStream } from "./upstream-events";

const EMPTY = Buffer.alloc(0);

/** Bytes that may wait for a connection before the client is held up. */
const MAX_EARLY = 64 * 1024;

/** One HTTP/1.1 request to one host of a cluster, and its response. */
export class UpstreamRequest implements UpstreamStream, ChannelUser {
  readonly isHead: boolean;
  private channel: Http1Channel | undefined;
  private over = false;
  private readonly count: RequestCount;
  private requestEnded = false;
  private informed = false;
  /** The head of a response without a body: it is told with its end, when the connection is another's to take. */
  private bare: HeaderMap | undefined;
  /** The connection has left HTTP: bytes both ways. */
  private switched = false;
  private connected = false;
  private keep = true;
  private paused = false;
  /** There was no free connection when it came. */
  private readonly waited: boolean;
  /** Bytes that the content-length promises and that were not written yet; NaN without one. */
  private unsent = Number.NaN;
  /** What is to be sent once there is a connection. */
  private head: string;
  private readonly chunked: boolean;
  private early: Buffer[] | undefined;
  private earlyBytes = 0;
  private trailers: string | undefined;

  /** Throws UnsendableError when the headers cannot go on the wire: a filter's doing. */
  constructor(
    private readonly cluster: Cluster,
    readonly host: Host,
    headers: HeaderMap,
    endStream: boolean,
    private readonly events: UpstreamEvents,
    /** What it asks for beside HTTP. */
    private readonly tunnel?: string,
  ) {
    checkSendable(headers, "http1");
    const method = headers.get(":method")!;
    this.isHead = method === "HEAD";
    const length = headers.get("content-length");
    if (length !== undefined && tunnel === undefined) this.unsent = Number(length);
    this.chunked = length === undefined && !endStream && tunnel === undefined;
    const format = cluster.config.codec.properCase ? properCase : undefined;
    this.head =
      tunnel === undefined
        ? requestHead(headers, method, endStream, format)
        : tunnelHead(headers, method, format);
    this.requestEnded = endStream;
    this.waited = !host.pool.hasRoom;
    this.count = new RequestCount(cluster, host);
    if (this.waited) this.count.waits();
    host.pool.request(this);
  }

  onChannel(channel: Http1Channel): void {
    if (this.waited && this.cluster.isFull()) return this.overflow(channel);
    this.channel = channel;
    const { writer, socket } = channel;
    writer.head(this.head, this.chunked, this.requestEnded);
    this.head = "";
    const { early } = this;
    this.early = undefined;
    for (const chunk of early ?? []) writer.data(chunk);
    if (this.requestEnded) writer.end(this.trailers);
    socket.busy = true;
    this.count.starts(socket);
    this.events.onUpstreamReady(socket);
    if (early && !socket.writableNeedDrain) this.onDrain();
  }

  /** A connection is there, but by now too many others are under way: it is left to who comes next. */
  private overflow(channel: Http1Channel): void {
    this.settle();
    this.host.pool.release(channel);
    this.events.onUpstreamReset("overflow", "");
  }

  /** False asks the caller to wait for `onUpstreamDrain`. */
  write(chunk: Buffer): boolean {
    if (this.over || chunk.length === 0) return true;
    this.unsent -= chunk.length;
    const { channel } = this;
    if (channel) return channel.writer.data(chunk);
    this.early ??= [];
    this.early.push(chunk);
    this.earlyBytes += chunk.length;
    return this.earlyBytes < MAX_EARLY;
  }

  end(trailers?: HeaderMap): void {
    // There is no half of a tunnel (as in Envoy).
    if (this.over || this.requestEnded || this.tunnel !== undefined) return;
    this.requestEnded = true;
    const lines = trailers && this.cluster.config.codec.enableTrailers ? trailerLines(trailers) : undefined;
    if (this.channel) this.channel.writer.end(lines);
    else this.trailers = lines;
  }

  pause(paused: boolean): void {
    if (this.over || paused === this.paused) return;
    this.paused = paused;
    if (paused) this.channel?.socket.pause();
    else this.channel?.socket.resume();
  }

  // --- ChannelEvents

  onDrain(): void {
    if (!this.over) this.events.onUpstreamDrain();
  }

  /** Swallowed, as Envoy does by default; it counts the first one. */
  onInformation(status: number, fields: RawFields): void {
    if (this.over) return;
    if (!mayPrecede(fields)) return this.onResponseFault();
    if (!this.informed) this.events.onUpstreamInformation(status);
    this.informed = true;
  }

  onResponseHead(start: ResponseStart): void {
    const { channel } = this;
    if (this.over || !channel) return;
    const headers = responseHeaders(start, channel.socket);
    const asked = this.tunnel !== undefined && this.tunnel !== CONNECT;
    if (!isWellFormed(start, headers, asked, this.cluster.config.codec.limits)) return this.onResponseFault();
    if (start.switches) {
      // The first bytes come at once, be there none (as in Envoy).
      this.switched = true;
      for (const name of ["content-length", "transfer-encoding"]) headers.remove(name);
      return this.events.onUpstreamHeaders(headers, false);
    }
    // What a host has granted stays granted, whatever this side made of its answer: nothing else may go there.
    this.keep = this.tunnel === undefined && keepsAlive(start, headers);
    this.connected = this.tunnel === CONNECT && start.status < 300;
    if (start.hasBody) this.events.onUpstreamHeaders(headers, false);
    else this.bare = headers;
  }

  onResponseBody(bytes: Buffer): void {
    if (!this.over) this.events.onUpstreamData(bytes, false);
  }

  onResponseEnd(raw: RawFields | undefined): void {
    if (this.over) return;
    if (!this.bare && (this.switched || this.connected)) return this.onTunnelEnded();
    this.finish();
    if (this.bare) return this.events.onUpstreamHeaders(this.bare, true);
    if (!raw || !this.cluster.config.codec.enableTrailers) {
      this.events.onUpstreamData(EMPTY, true);
      return;
    }
    const trailers = new HeaderMap("response-trailers");
    for (let i = 0; i < raw.length; i += 2) trailers.add(raw[i]!, raw[i + 1]!);
    this.events.onUpstreamTrailers(trailers);
  }

  onResponseFault(): void {
    if (this.over) return;
    this.cluster.stats.upstream_cx_protocol_error.inc();
    this.reset("protocol error", undefined);
  }

  onClosed(error: Error | undefined, half: boolean): void {
    if (this.over) return;
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    if (this.switched) this.onTunnelEnded();
    else if (code === "CONNECT_TIMEOUT") this.reset("connection timeout", error);
    else if (this.count.pending) this.reset("remote connection failure", error);
    // A message cut short is a broken message, no broken connection.
    else if (half) this.onResponseFault();
    else this.reset("connection termination", error);
  }

  /** Only the client may end a tunnel in order. */
  private onTunnelEnded(): void {
    this.events.onUpstreamData(EMPTY, false);
    if (this.over) return;
    this.settle();
    this.drop();
    this.events.onUpstreamReset("connection termination", "");
  }

  onBug(error: unknown): void {
    this.events.onUpstreamBug(error);
  }

  // --- the end

  /**
   * The response is complete. A request still being sent cannot share the connection with a next one, nor can a body
   * that a filter made longer than its content-length: the host takes the rest for a request.
   */
  private finish(): void {
    const { channel } = this;
    this.settle();
    if (!channel) return;
    channel.socket.busy = false;
    this.channel = undefined;
    if (this.paused) channel.socket.resume();
    const misframed = this.unsent < 0 || this.unsent > 0;
    if (this.keep && this.requestEnded && !misframed) this.host.pool.release(channel);
    else this.drop(channel);
  }

  private settle(): void {
    this.over = true;
    this.count.ends();
  }

  /** Closes the connection, or waits for none any more. */
  private drop(channel = this.channel): void {
    this.channel = undefined;
    if (!channel) {
      this.host.pool.forget(this);
      return;
    }
    channel.exchange = undefined;
    channel.socket.destroy();
  }

  private reset(reason: ResetReason, error: Error | undefined): void {
    if (this.count.pending) this.cluster.stats.upstream_rq_pending_failure_eject.inc();
    this.settle();
    this.drop();
    this.events.onUpstreamReset(reason, failureText(error));
  }

  /** Drops the exchange; its connection is closed. No event follows. */
  cancel(): void {
    if (this.over) return;
    if (this.count.pending) this.cluster.stats.upstream_rq_cancelled.inc();
    this.settle();
    this.drop();
  }
}
