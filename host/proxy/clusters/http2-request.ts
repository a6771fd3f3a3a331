import { type ClientHttp2Stream, constants } from "node:http2";
import { HeaderMap } from "../../stores/header-map";
import type { Cluster, Host } from "./cluster";
import type { Http2Session } from "./http2-session";
import { RequestCount } from "./request-count";
import { checkSendable } from "./request-writer";
import {
  connectionErrorText,
  type ResetReason,
  type UpstreamEvents,
  type UpstreamStream,
} from "./upstream-events";

const EMPTY = Buffer.alloc(0);
const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;
const CANCELLED = new Error("no longer wanted");

/** One HTTP/2 request to one host of a cluster, and its response. */
export class Http2Request implements UpstreamStream {
  private readonly session: Http2Session;
  private stream: ClientHttp2Stream | undefined;
  private readonly count: RequestCount;
  private responseStarted = false;
  private ended: boolean;
  private requestTrailers: HeaderMap | undefined;
  private trailers: HeaderMap | undefined;
  private over = false;

  /** Throws UnsendableError when the headers cannot go on the wire: a filter's doing. */
  constructor(
    private readonly cluster: Cluster,
    readonly host: Host,
    headers: HeaderMap,
    endStream: boolean,
    private readonly events: UpstreamEvents,
  ) {
    checkSendable(headers, "http2");
    this.ended = endStream;
    this.session = host.http2!.session();
    this.count = new RequestCount(cluster, host);
    if (!this.session.socket.established) this.count.waits();
    try {
      if (headers.get(":path")!.includes(" ")) throw new Error("no HTTP/2 path");
      this.stream = this.session.open([...headers].flat(), endStream);
    } catch {
      // A path with spaces, connection headers, a pseudo-header of somebody's own: no HTTP/2 message.
      setImmediate(() => this.reset("protocol error", ""));
      return;
    }
    this.listen(this.stream);
  }

  private listen(stream: ClientHttp2Stream): void {
    const { events } = this;
    // With a stream id the request is on the connection.
    if (stream.pending) stream.once("ready", () => this.start());
    else setImmediate(() => this.start());
    stream.once("wantTrailers", () => stream.sendTrailers(trailerObject(this.requestTrailers)));
    stream.on("response", (_headers, flags, raw) => this.onResponse(flags, raw));
    stream.on("headers", (headers) => this.over || events.onUpstreamInformation(Number(headers[":status"])));
    stream.on("data", (chunk: Buffer) => this.over || events.onUpstreamData(chunk, false));
    stream.on("trailers", (_headers, _flags, raw) => {
      this.trailers = headerMap("response-trailers", raw);
    });
    stream.on("drain", () => this.over || events.onUpstreamDrain());
    // node:http2 ends the body of a stream that is cut, too; "close" tells of that.
    stream.on("end", () => stream.rstCode === NGHTTP2_NO_ERROR && this.onEnd());
    // Told by "close", which comes last.
    stream.on("error", () => {});
    stream.once("close", () => this.onClose(stream));
  }

  private start(): void {
    if (this.over || !this.count.pending) return;
    this.count.starts(this.session.socket);
    this.events.onUpstreamReady(this.session.socket);
  }

  write(chunk: Buffer): boolean {
    if (this.over || !this.stream || chunk.length === 0) return true;
    return this.stream.write(chunk);
  }

  end(trailers?: HeaderMap): void {
    if (this.over || this.ended) return;
    this.ended = true;
    this.requestTrailers = trailers;
    this.stream?.end();
  }

  pause(paused: boolean): void {
    if (paused) this.stream?.pause();
    else this.stream?.resume();
  }

  private onResponse(flags: number, raw: readonly string[]): void {
    if (this.over) return;
    this.start();
    this.responseStarted = true;
    const endStream = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    const headers = headerMap("response", raw);
    if (endStream) this.finish();
    this.events.onUpstreamHeaders(headers, endStream);
  }

  private onEnd(): void {
    if (this.over || !this.responseStarted) return;
    this.finish();
    if (this.trailers) this.events.onUpstreamTrailers(this.trailers);
    else this.events.onUpstreamData(EMPTY, true);
  }

  /** The response is complete; a request still being sent is of no more use. */
  private finish(): void {
    this.settle();
    if (!this.ended) this.abort();
  }

  private onClose(stream: ClientHttp2Stream): void {
    if (this.over) return;
    const { socket } = this.session;
    const code = (socket.errored as NodeJS.ErrnoException | null)?.code ?? "";
    if (code === "CONNECT_TIMEOUT") this.reset("connection timeout", "");
    else if (!socket.established) this.reset("remote connection failure", connectionErrorText(code));
    else if (stream.rstCode === NGHTTP2_REFUSED_STREAM) this.reset("remote refused stream reset", "");
    else if (this.session.destroyed) this.reset("connection termination", connectionErrorText(code));
    else this.reset("remote reset", "");
  }

  private reset(reason: ResetReason, detail: string): void {
    if (this.over) return;
    const { stats } = this.cluster;
    if (reason === "protocol error") stats.upstream_cx_protocol_error.inc();
    if (reason.startsWith("remote re")) stats.upstream_rq_rx_reset.inc();
    if (this.count.pending) stats.upstream_rq_pending_failure_eject.inc();
    this.settle();
    this.events.onUpstreamReset(reason, detail);
  }

  private settle(): void {
    this.over = true;
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

function headerMap(kind: "response" | "response-trailers", raw: readonly string[]): HeaderMap {
  const map = new HeaderMap(kind);
  for (let i = 0; i < raw.length; i += 2) map.add(raw[i]!, raw[i + 1]!);
  return map;
}

/** node:http2 takes trailers as an object only; none at all end the stream with an empty frame. */
function trailerObject(trailers: HeaderMap | undefined): Record<string, string[]> {
  const grouped: Record<string, string[]> = Object.create(null);
  if (trailers) {
    for (const [name, value] of trailers) {
      const known = grouped[name];
      if (known) known.push(value);
      else grouped[name] = [value];
    }
  }
  return grouped;
}
