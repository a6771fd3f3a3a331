import { type ClientHttp2Stream, constants } from "node:http2";
import type { HeaderMap } from "../../stores/header-map";
import { contained, type OnBug } from "../contain";
import { type BodyListener, headerMap, MessageBody } from "../http2/message-body";
import { requestHeaders, trailerHeaders, tunnelHeaders } from "../http2/wire-headers";
import { CONNECT, fromExtendedResponse } from "../tunnel/upgrade-headers";
import type { Cluster, Host } from "./cluster";
import type { SessionUser } from "./http2-pool";
import type { Http2Session } from "./http2-session";
import { RequestCount } from "./request-count";
import { checkSendable } from "./request-writer";
import { failureText, type ResetReason, type UpstreamEvents, type UpstreamStream } from "./upstream-events";

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } =
  constants;

/** Bytes that may wait for a connection before the client is held up. */
const MAX_EARLY = 64 * 1024;
const CANCELLED = new Error("no longer wanted");

/** One HTTP/2 request to one host of a cluster, and its response. */
export class Http2Request implements UpstreamStream, BodyListener, SessionUser {
  /** Undefined while there is no room on any connection. */
  private session: Http2Session | undefined;
  private stream: ClientHttp2Stream | undefined;
  private readonly count: RequestCount;
  private body: MessageBody | undefined;
  private responseStarted = false;
  private ended: boolean;
  private requestTrailers: HeaderMap | undefined;
  private over = false;
  /** There was no connection when it came. */
  private readonly waited: boolean;
  private ready = false;
  /** Of the body, what came before there was a stream. */
  private early: Buffer[] | undefined;
  private earlyBytes = 0;

  /** Throws UnsendableError when the headers cannot go on the wire: a filter's doing. */
  constructor(
    private readonly cluster: Cluster,
    readonly host: Host,
    private readonly headers: HeaderMap,
    private readonly bare: boolean,
    private readonly events: UpstreamEvents,
    /** What it asks for beside HTTP. */
    private readonly tunnel?: string,
  ) {
    checkSendable(headers, "http2");
    const { http2 } = host;
    this.ended = bare;
    this.waited = !http2!.hasRoom;
    this.count = new RequestCount(cluster, host);
    if (this.waited) this.count.waits();
    http2!.request(this);
  }

  onSession(session: Http2Session): void {
    const { headers, tunnel, early = [] } = this;
    const { established } = session.socket;
    if (established && this.waited && this.cluster.isFull()) return this.overflow();
    this.session = session;
    this.early = undefined;
    let stream: ClientHttp2Stream;
    try {
      const wire = tunnel === undefined ? requestHeaders(headers) : tunnelHeaders(headers, tunnel);
      stream = session.open(wire, this.bare);
    } catch {
      this.refuse(session);
      return;
    }
    this.stream = stream;
    this.listen(stream);
    // Its place is taken now, although it is told a little later.
    if (established) this.count.starts(session.socket);
    for (const chunk of early) stream.write(chunk);
    if (this.ended && !this.bare) stream.end();
    if (early.length > 0 && !this.ended && !stream.writableNeedDrain)
      setImmediate(this.contained(() => this.over || this.events.onUpstreamDrain()));
  }

  /** There will be no connection: the one that was to have room never came about. */
  onNoSession(error: Error | undefined): void {
    if (!this.over) this.failed(error);
  }

  /** No HTTP/2 message: a filter's doing. The codec says so once there is a connection to say it to. */
  private refuse({ socket }: Http2Session): void {
    const refuse = this.contained(() => {
      this.start();
      this.reset("protocol error", "");
    });
    if (socket.established) setImmediate(refuse);
    else {
      socket.once("established", refuse);
      socket.once(
        "close",
        this.contained(() => this.onClose(NGHTTP2_NO_ERROR)),
      );
    }
  }

  private listen(stream: ClientHttp2Stream): void {
    const { events } = this;
    const onBug: OnBug = (error) => this.onBug(error);
    // With a stream id the request is on the connection.
    if (stream.pending)
      stream.once(
        "ready",
        contained(() => this.start(), onBug),
      );
    else setImmediate(this.contained(() => this.start()));
    stream.once(
      "wantTrailers",
      contained(() => stream.sendTrailers(trailerHeaders(this.requestTrailers)), onBug),
    );
    stream.on(
      "response",
      contained((_headers, flags, raw) => this.onResponse(flags, raw), onBug),
    );
    stream.on(
      "headers",
      contained((headers) => this.over || events.onUpstreamInformation(Number(headers[":status"])), onBug),
    );
    this.body = new MessageBody(stream, "response-trailers", this);
    stream.on(
      "drain",
      contained(() => this.over || events.onUpstreamDrain(), onBug),
    );
    // Told by "close", which comes last.
    stream.on("error", () => {});
    stream.once(
      "close",
      contained(() => this.onClose(stream.rstCode), onBug),
    );
  }

  private start(): void {
    const { session } = this;
    if (this.over || this.ready || !session) return;
    if (this.count.pending) {
      if (this.waited && this.cluster.isFull()) return this.overflow();
      this.count.starts(session.socket);
    }
    this.ready = true;
    this.events.onUpstreamReady(session.socket);
  }

  /** A connection is there, but by now too many others are under way. */
  private overflow(): void {
    this.settle();
    this.stream?.close(constants.NGHTTP2_CANCEL);
    this.events.onUpstreamReset("overflow", "");
  }

  write(chunk: Buffer): boolean {
    if (this.over || chunk.length === 0) return true;
    if (this.stream) return this.stream.write(chunk);
    if (this.session) return true;
    this.early ??= [];
    this.early.push(chunk);
    this.earlyBytes += chunk.length;
    return this.earlyBytes < MAX_EARLY;
  }

  end(trailers?: HeaderMap): void {
    if (this.over || this.ended) return;
    this.ended = true;
    this.requestTrailers = trailers;
    this.stream?.end();
  }

  pause(paused: boolean): void {
    this.body?.pause(paused);
  }

  private onResponse(flags: number, raw: readonly string[]): void {
    if (this.over) return;
    this.start();
    const endStream = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    const headers = headerMap("response", raw);
    if (this.tunnel !== undefined && this.tunnel !== CONNECT) fromExtendedResponse(headers, this.tunnel);
    // node:http2 only announces its own limit.
    if (headers.byteSize > this.cluster.config.codec.limits.bytes) {
      this.abort();
      this.reset("remote reset", "");
      return;
    }
    this.responseStarted = true;
    if (endStream) this.finish();
    this.events.onUpstreamHeaders(headers, endStream);
  }

  private contained(run: () => void): () => void {
    return contained(run, (error) => this.onBug(error));
  }

  // --- BodyListener

  onBug(error: unknown): void {
    this.events.onUpstreamBug(error);
  }

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.over || !this.responseStarted) return;
    if (endStream) this.finish();
    this.events.onUpstreamData(chunk, endStream);
  }

  onTrailers(trailers: HeaderMap): void {
    if (this.over || !this.responseStarted) return;
    this.finish();
    this.events.onUpstreamTrailers(trailers);
  }

  /** The response is complete; a request still being sent is of no more use. */
  private finish(): void {
    this.settle();
    if (this.ended) return;
    this.cluster.stats.upstream_rq_tx_reset.inc();
    this.abort();
  }

  /** The stream is over, with that code if it was reset. */
  private onClose(reset: number): void {
    const { session } = this;
    if (this.over || !session) return;
    const { socket } = session;
    const error = socket.errored as NodeJS.ErrnoException | null;
    if (error?.code === "CONNECT_TIMEOUT" || !socket.established) this.failed(error ?? undefined);
    else if (reset === NGHTTP2_REFUSED_STREAM) this.reset("remote refused stream reset", "");
    else if (session.destroyed) this.reset("connection termination", failureText(error));
    else this.reset(reset === NGHTTP2_PROTOCOL_ERROR ? "protocol error" : "remote reset", "");
  }

  /** No connection came about. */
  private failed(error: NodeJS.ErrnoException | undefined): void {
    if (error?.code === "CONNECT_TIMEOUT") this.reset("connection timeout", "");
    else this.reset("remote connection failure", failureText(error));
  }

  private reset(reason: ResetReason, detail: string): void {
    if (this.over) return;
    const { stats } = this.cluster;
    if (reason === "protocol error") stats.upstream_rq_tx_reset.inc();
    if (reason === "remote reset") stats.upstream_rq_rx_reset.inc();
    if (this.count.pending) stats.upstream_rq_pending_failure_eject.inc();
    this.settle();
    this.events.onUpstreamReset(reason, detail);
  }

  private settle(): void {
    this.over = true;
    if (!this.session) this.host.http2!.forget(this);
    this.body?.stop();
    this.count.ends();
  }

  cancel(): void {
    if (this.over) return;
    const { stats } = this.cluster;
    if (this.count.pending) stats.upstream_rq_cancelled.inc();
    else stats.upstream_rq_tx_reset.inc();
    this.settle();
    this.abort();
  }

  /**
   * RST_STREAM with INTERNAL_ERROR, as Envoy resets; nothing at all when the request has not left yet. `close(code)`
   * would end the request's body first, and a cut one would pass for whole.
   */
  private abort(): void {
    this.stream?.destroy(CANCELLED);
  }
}
