import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type UnderscoreStats, withoutUnderscores } from "../../underscores";
import { ActiveStream } from "../active-stream";
import type { CodecConnection } from "../codec";
import type { DownstreamConnection } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import { FlushTimer } from "./flush-timer";
import type { Http2Stats } from "./http2-stats";
import { Http2Stream } from "./http2-stream";
import { type RequestHead, readRequestHead } from "./request-headers";

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants;

/** Frames that node:http2 counts: empty ones above all. */
const EMPTY_FRAMES = "ERR_HTTP2_TOO_MANY_INVALID_FRAMES";
/** `NGHTTP2_ERR_FLOODED`: answers to PING and SETTINGS that the client does not read. */
const FLOODED = -904;

type Fault = NonNullable<RequestHead["tooLarge"]> | "malformed" | "underscore";

/** A connection that speaks HTTP/2. */
export class Http2Connection implements CodecConnection {
  readonly saysClose = false;
  /** Answers that are complete and not taken yet. */
  readonly flushing: FlushTimer;
  /** Requests so far. */
  private served = 0;

  constructor(
    readonly manager: ConnectionManager,
    private readonly base: DownstreamConnection,
    readonly session: ServerHttp2Session,
    readonly codecStats: Http2Stats,
    readonly underscores: UnderscoreStats,
  ) {
    session.on("stream", (stream, _, flags, raw) => {
      try {
        // The types leave out the list as it was on the wire.
        this.onStream(stream, raw as unknown as string[], (flags & NGHTTP2_FLAG_END_STREAM) !== 0);
      } catch (error) {
        this.onBug(stream, error);
      }
    });
    this.flushing = new FlushTimer(manager.onBug);
    session.once("close", () => this.flushing.stop());
    session.on("error", (error: NodeJS.ErrnoException) => this.onError(error));
  }

  /** A defect of this host, before anybody else knows of the stream. */
  private onBug(stream: ServerHttp2Stream, error: unknown): void {
    this.manager.onBug(error);
    if (!stream.destroyed) stream.respond({ ":status": 500 }, { endStream: true });
  }

  /** What the client says is no HTTP/2; node:http2 has answered with GOAWAY. */
  private onError({ code, errno }: NodeJS.ErrnoException): void {
    const { codecStats, manager } = this;
    if (code === EMPTY_FRAMES) codecStats.inbound_empty_frames_flood.inc();
    else if (code !== "ERR_HTTP2_ERROR") return;
    else if (errno === FLOODED) codecStats.outbound_control_flood.inc();
    manager.stats.downstream_cx_protocol_error.inc();
  }

  private onStream(stream: ServerHttp2Stream, raw: readonly string[], endStream: boolean): void {
    const { manager, codecStats } = this;
    const { stats } = manager;
    // A stream's troubles end it through "close"; nobody else wants to hear of them.
    stream.on("error", ignore);
    stats.downstream_rq_http2_total.inc();
    const { codec } = manager.config;
    const kept = withoutUnderscores(raw, codec.underscores, this.underscores);
    const head = readRequestHead(kept ?? raw, codec.limits);
    const fault = kept === undefined ? "underscore" : head.malformed ? "malformed" : head.tooLarge;
    if (fault) {
      this.refuse(stream, fault);
      return;
    }
    if (codec.maxRequests > 0 && ++this.served === codec.maxRequests) {
      stats.downstream_cx_max_requests_reached.inc();
      this.retire();
    }
    codecStats.streams_active.add(1);
    stream.once("close", () => codecStats.streams_active.add(-1));
    const active = this.begin(stream, head, endStream);
    if (!active) return;
    try {
      this.serve(active, head, endStream);
    } catch (error) {
      active.onBug(error);
    }
  }

  private begin(
    stream: ServerHttp2Stream,
    { tunnel }: RequestHead,
    endStream: boolean,
  ): ActiveStream | undefined {
    try {
      const codec = new Http2Stream(this, stream, endStream, tunnel);
      const active = new ActiveStream(this.manager, this.base, codec);
      codec.attach(active);
      return active;
    } catch (error) {
      this.onBug(stream, error);
      return undefined;
    }
  }

  private serve(active: ActiveStream, head: RequestHead, endStream: boolean): void {
    if (head.expectsContinue) active.sendContinue();
    const { headers } = head;
    if (head.tunnel === undefined) active.start(headers, endStream);
    // Envoy keeps no connection that asked for what it may not have.
    else if (!active.startTunnel(head.tunnel, headers, endStream)) this.retire();
  }

  /** No stream as far as the filters know: it is only counted. */
  private refuse(stream: ServerHttp2Stream, fault: Fault): void {
    const { stats } = this.manager;
    stats.downstream_rq_total.inc();
    stats.downstream_rq_rx_reset.inc();
    if (fault === "malformed") {
      this.codecStats.rx_messaging_error.inc();
      if (this.manager.config.codec.streamErrors) {
        this.codecStats.tx_reset.inc();
        stream.close(NGHTTP2_PROTOCOL_ERROR);
        return;
      }
      stats.downstream_cx_protocol_error.inc();
      this.session.destroy(undefined, NGHTTP2_PROTOCOL_ERROR);
      return;
    }
    if (fault === "bytes") this.codecStats.header_list_size_too_large.inc();
    if (fault === "count") this.codecStats.header_overflow.inc();
    this.codecStats.tx_reset.inc();
    stream.close(NGHTTP2_INTERNAL_ERROR);
  }

  /**
   * GOAWAY says which streams are served; requests that cross it are the client's to repeat. (nghttp2 takes none after
   * any GOAWAY, so there is no notice before it.)
   */
  drain(): void {
    if (!this.session.closed) this.manager.stats.downstream_cx_drain_close.inc();
    this.retire();
  }

  retire(): void {
    if (this.session.destroyed || this.session.closed) return;
    this.codecStats.goaway_sent.inc();
    this.session.close();
  }

  /** On a listener that has been replaced a connection ends once nobody is served on it. */
  streamFinished(last: boolean): void {
    if (last && this.manager.draining) this.drain();
  }
}

function ignore(): void {}
