import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { ActiveStream } from "../active-stream";
import type { CodecConnection } from "../codec";
import type { DownstreamConnection } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import type { Http2Stats } from "./http2-stats";
import { Http2Stream } from "./http2-stream";
import { type RequestHead, readRequestHead } from "./request-headers";

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants;

/** A connection that speaks HTTP/2. */
export class Http2Connection implements CodecConnection {
  readonly saysClose = false;

  constructor(
    readonly manager: ConnectionManager,
    private readonly base: DownstreamConnection,
    readonly session: ServerHttp2Session,
    readonly codecStats: Http2Stats,
  ) {
    session.on("stream", (stream, _, flags, raw) => {
      try {
        // The types leave out the list as it was on the wire.
        this.onStream(stream, raw as unknown as string[], (flags & NGHTTP2_FLAG_END_STREAM) !== 0);
      } catch (error) {
        this.onBug(stream, error);
      }
    });
    session.on("error", (error: NodeJS.ErrnoException) => this.onError(error));
  }

  /** A defect of this host, before anybody else knows of the stream. */
  private onBug(stream: ServerHttp2Stream, error: unknown): void {
    this.manager.onBug(error);
    if (!stream.destroyed) stream.respond({ ":status": 500 }, { endStream: true });
  }

  /** What the client says is no HTTP/2; node:http2 has answered with GOAWAY. */
  private onError({ code }: NodeJS.ErrnoException): void {
    if (code === "ERR_HTTP2_ERROR") this.manager.stats.downstream_cx_protocol_error.inc();
  }

  private onStream(stream: ServerHttp2Stream, raw: readonly string[], endStream: boolean): void {
    const { manager, codecStats } = this;
    const { stats } = manager;
    // A stream's troubles end it through "close"; nobody else wants to hear of them.
    stream.on("error", ignore);
    stats.downstream_rq_http2_total.inc();
    const head = readRequestHead(raw);
    if (head.malformed || head.tooLarge) {
      this.refuse(stream, head);
      return;
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
  private refuse(stream: ServerHttp2Stream, { malformed, tooLarge }: RequestHead): void {
    const { stats } = this.manager;
    stats.downstream_rq_total.inc();
    stats.downstream_rq_rx_reset.inc();
    if (malformed) {
      stats.downstream_cx_protocol_error.inc();
      this.codecStats.rx_messaging_error.inc();
      this.session.destroy(undefined, NGHTTP2_PROTOCOL_ERROR);
      return;
    }
    (tooLarge === "bytes"
      ? this.codecStats.header_list_size_too_large
      : this.codecStats.header_overflow
    ).inc();
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
