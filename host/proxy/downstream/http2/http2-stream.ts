import { constants, type ServerHttp2Stream } from "node:http2";
import type { HeaderMap } from "../../../stores/header-map";
import { ResponseFlag } from "../../../stores/stream-info";
import { contained, type OnBug } from "../../contain";
import { MessageBody } from "../../http2/message-body";
import {
  responseHeaders,
  trailerHeaders,
  tunnelResponseHeaders,
  type WireHeaders,
} from "../../http2/wire-headers";
import type { CodecStream, CodecStreamEvents } from "../codec";
import { checkTrailers } from "../request-trailers";
import type { Http2Connection } from "./http2-connection";

const {
  NGHTTP2_CONNECT_ERROR,
  NGHTTP2_INTERNAL_ERROR,
  NGHTTP2_NO_ERROR,
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_REFUSED_STREAM,
} = constants;

const TRAILER_FAULTS = { underscore: "http2.unexpected_underscore", count: "http2.too_many_headers" };

/** A request and its response as node:http2 knows them. */
export class Http2Stream implements CodecStream {
  readonly protocol = "HTTP/2";
  private events!: CodecStreamEvents;
  private body: MessageBody | undefined;
  private trailers: HeaderMap | undefined;
  /** The response's head, and the first of its body, until they are handed over. */
  private head: WireHeaders | undefined;
  private queued: Buffer | undefined;
  private asksForTrailers = false;
  /** The response's end has been handed over. */
  private ended = false;

  constructor(
    private readonly connection: Http2Connection,
    private readonly stream: ServerHttp2Stream,
    private readonly endStream: boolean,
    /** What the request asks for beside HTTP. */
    private readonly tunnel: string | undefined,
  ) {}

  /** Says who is to hear of what happens. */
  attach(events: CodecStreamEvents): void {
    const { stream } = this;
    this.events = events;
    const onBug: OnBug = (error) => this.onBug(error);
    stream.on(
      "drain",
      contained(() => events.onDrain(), onBug),
    );
    stream.on(
      "close",
      contained(() => this.onClose(), onBug),
    );
    stream.on(
      "wantTrailers",
      contained(() => this.onWantTrailers(), onBug),
    );
  }

  get requestArrived(): boolean {
    return this.endStream || this.stream.readableEnded;
  }

  sendContinue(): void {
    if (this.isOpen) this.stream.additionalHeaders({ ":status": 100 });
  }

  /** A stream may be reset before its request has been looked at. */
  private get isOpen(): boolean {
    return !this.stream.destroyed && !this.stream.closed;
  }

  readRequest(): void {
    const { stream, events } = this;
    this.body = new MessageBody(stream, "request-trailers", {
      onData: (chunk, end) => events.onRequestData(chunk, end),
      onTrailers: (trailers) => this.onTrailers(trailers),
      onBug: (error) => events.onBug(error),
    });
  }

  private onTrailers(trailers: HeaderMap): void {
    const { manager, underscores, codecStats } = this.connection;
    const fault = checkTrailers(trailers, manager.config.codec, underscores);
    if (!fault) return this.events.onRequestTrailers(trailers);
    if (fault === "count") codecStats.header_overflow.inc();
    this.reset();
    this.events.onReset(TRAILER_FAULTS[fault], ResponseFlag.DownstreamProtocolError);
  }

  onBug(error: unknown): void {
    this.events.onBug(error);
  }

  pauseRequest(paused: boolean): void {
    this.body?.pause(paused);
  }

  answerEarly(): void {}

  giveUpConnection(): void {}

  sendHeaders(headers: HeaderMap, status: number, endStream: boolean): void {
    const wire =
      this.tunnel === undefined
        ? responseHeaders(headers, status)
        : tunnelResponseHeaders(headers, status, this.tunnel);
    if (!this.isOpen) return;
    if (endStream) this.stream.respond(wire, { endStream });
    else {
      this.head = wire;
      setImmediate(sendHead, this);
    }
  }

  /**
   * The head waits for the end of the loop's turn: a response that is complete by then leaves without the detour that
   * node:http2 takes to ask for trailers.
   */
  sendHead(waitForTrailers = true): void {
    const { stream, head, queued } = this;
    if (head === undefined || !this.isOpen) return;
    this.head = undefined;
    this.queued = undefined;
    stream.respond(head, { waitForTrailers });
    // A status that has no body has ended the stream.
    this.asksForTrailers = waitForTrailers && stream.writable;
    if (queued !== undefined) this.write(queued);
  }

  sendData(chunk: Buffer): boolean {
    if (this.head !== undefined && this.queued === undefined) {
      this.queued = chunk;
      return true;
    }
    this.sendHead();
    return this.write(chunk);
  }

  private write(chunk: Buffer): boolean {
    return this.stream.writable ? this.stream.write(chunk) : true;
  }

  endResponse(trailers: HeaderMap | undefined, flushMs: number): void {
    const { stream } = this;
    this.ended = true;
    if (flushMs > 0 && this.isOpen) this.connection.flushing.add(this, flushMs);
    this.trailers = trailers;
    this.sendHead(trailers !== undefined);
    if (stream.writable) stream.end();
    // The response stands without the rest of the request; what is still to be asked for goes first.
    if (!this.requestArrived && !this.asksForTrailers) stream.close(NGHTTP2_NO_ERROR);
  }

  /** The client has not taken the end of its answer for long. */
  giveUp(): void {
    this.connection.codecStats.tx_flush_timeout.inc();
    this.connection.codecStats.tx_reset.inc();
    this.stream.close(NGHTTP2_INTERNAL_ERROR);
  }

  private onWantTrailers(): void {
    const { stream, trailers } = this;
    if (trailers) this.connection.codecStats.trailers.inc();
    stream.sendTrailers(trailerHeaders(trailers));
    // Trailers leave in an immediate of their own.
    if (!this.requestArrived) setImmediate(closeStream, stream);
  }

  reset(): void {
    this.ended = true;
    this.connection.codecStats.tx_reset.inc();
    this.body?.stop();
    this.sendHead();
    this.stream.close(this.tunnel === undefined ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CONNECT_ERROR);
  }

  private onClose(): void {
    this.body?.stop();
    this.connection.flushing.remove(this);
    if (this.ended) return;
    const { rstCode } = this.stream;
    if (this.connection.session.destroyed) {
      this.events.onGone();
      return;
    }
    this.connection.codecStats.rx_reset.inc();
    const details = rstCode === NGHTTP2_REFUSED_STREAM ? "http2.remote_refuse" : "http2.remote_reset";
    // nghttp2 itself resets a stream that breaks the rules; a client has hardly a reason to say this.
    const broken = rstCode === NGHTTP2_PROTOCOL_ERROR;
    this.events.onReset(
      details,
      broken ? ResponseFlag.DownstreamProtocolError : ResponseFlag.DownstreamRemoteReset,
    );
  }

  release(): void {
    this.body?.stop();
    this.stream.resume();
  }
}

function sendHead(stream: Http2Stream): void {
  try {
    stream.sendHead();
  } catch (error) {
    stream.onBug(error);
  }
}

function closeStream(stream: ServerHttp2Stream): void {
  stream.close(NGHTTP2_NO_ERROR);
}
