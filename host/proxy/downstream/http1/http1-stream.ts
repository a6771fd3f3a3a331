import { HeaderMap } from "../../../stores/header-map";
import { trailerLines } from "../../http1/head-text";
import type { RawFields } from "../../http1/message-reader";
import type { RequestStart } from "../../http1/request-reader";
import { properCase } from "../../proper-case";
import type { CodecStream, CodecStreamEvents } from "../codec";
import { checkTrailers } from "../request-trailers";
import type { Http1Connection } from "./http1-connection";
import { codecError } from "./refusal";
import { declaredLength, responseHead } from "./response-writer";

const TRAILER_FAULTS = {
  underscore: codecError(400, "http1.unexpected_underscore"),
  count: codecError(431, "http1.too_many_trailers"),
};

const EMPTY = Buffer.alloc(0);

/** A request and its response on a connection. */
export class Http1Stream implements CodecStream {
  readonly protocol: "HTTP/1.0" | "HTTP/1.1";
  /** The whole request has been read from the connection. */
  complete = false;
  /** The response has been written, to the last byte. */
  answered = false;
  /** What follows the request's head is no HTTP. */
  readonly tunnel: boolean = false;
  protected events!: CodecStreamEvents;
  private readonly hasBody: boolean;
  private readonly isHead: boolean;
  /** Body bytes are wanted: now, at all. */
  private reading = false;
  private paused = false;
  private released = false;
  /** What has come of the body and waits. */
  private held: Buffer[] | undefined;
  private trailers: RawFields | undefined;
  private endTold = false;
  private status = 0;
  private headSent = false;
  /** The response began before the request was complete. */
  private early = false;
  /** Length the response's head has promised. */
  private declared: number | undefined;
  private sent = 0;

  constructor(
    protected readonly connection: Http1Connection,
    private readonly start: RequestStart,
  ) {
    const old = start.version !== "1.1" && connection.manager.config.codec.acceptHttp10;
    this.protocol = old ? "HTTP/1.0" : "HTTP/1.1";
    this.isHead = start.method === "HEAD";
    this.hasBody = start.hasBody;
  }

  /** Says who is to hear of what happens. */
  attach(events: CodecStreamEvents): void {
    this.events = events;
  }

  // --- what the connection reads

  onBody(bytes: Buffer): void {
    if (this.released) return;
    if (this.reading && !this.paused) this.events.onRequestData(bytes, false);
    else if (this.held) this.held.push(bytes);
    else this.held = [bytes];
  }

  onEnd(trailers: RawFields | undefined): void {
    this.complete = true;
    this.trailers = trailers;
    this.deliver();
  }

  onDrain(): void {
    if (!this.answered) this.events.onDrain();
  }

  /** Tells of what has come, as far as it may. */
  private deliver(): void {
    while (this.held && this.wanted) {
      const [first, ...others] = this.held;
      this.held = others.length > 0 ? others : undefined;
      this.events.onRequestData(first!, false);
    }
    if (!this.complete || !this.hasBody || this.endTold || this.held || !this.wanted) return;
    this.endTold = true;
    this.onRequestEnd();
  }

  private get wanted(): boolean {
    return this.reading && !this.paused && !this.released;
  }

  private onRequestEnd(): void {
    const raw = this.trailers;
    const { connection } = this;
    if (!raw || !connection.manager.config.codec.enableTrailers) {
      this.events.onRequestData(EMPTY, true);
      return;
    }
    const trailers = new HeaderMap("request-trailers");
    for (let i = 0; i < raw.length; i += 2) trailers.add(raw[i]!, raw[i + 1]!);
    const { config, stats } = connection.manager;
    const fault = checkTrailers(trailers, config.codec, connection.codec.underscores);
    if (!fault) {
      this.events.onRequestTrailers(trailers);
      return;
    }
    stats.downstream_cx_protocol_error.inc();
    stats.downstream_rq_response_before_rq_complete.inc();
    stats.downstream_rq_rx_reset.inc();
    connection.closing = true;
    connection.stream?.breakRequest(TRAILER_FAULTS[fault]);
  }

  // --- CodecStream

  get rawHeaders(): readonly string[] {
    return this.start.fields;
  }

  get headMs(): number {
    return this.connection.headMs;
  }

  get requestArrived(): boolean {
    return this.complete;
  }

  sendContinue(): void {
    this.connection.base.socket.write(`${this.protocol} 100 Continue\r\n\r\n`, "latin1");
  }

  readRequest(): void {
    this.reading = true;
    this.deliver();
  }

  pauseRequest(paused: boolean): void {
    this.paused = paused;
    if (!paused) this.deliver();
    // What it has told of may have changed that.
    this.connection.pauseBody(this.paused);
  }

  /** HTTP/1.1 cannot serve a next request before this one is read to its end. */
  answerEarly(): void {
    this.early = true;
    this.connection.closing = true;
  }

  giveUpConnection(): void {
    this.connection.closing = true;
  }

  sendHeaders(headers: HeaderMap, status: number, endStream: boolean): void {
    const { connection, isHead } = this;
    const { manager } = connection;
    if (manager.draining && !connection.closing) {
      manager.stats.downstream_cx_drain_close.inc();
      connection.closing = true;
    }
    if (connection.base.retiring) connection.closing = true;
    // HTTP/1.0 knows no chunks: without a length the end of the connection is the end of the body.
    const old = this.protocol === "HTTP/1.0";
    if (old && !headers.has("content-length")) connection.closing = true;
    if (connection.closing) headers.append("connection", "close");
    else if (old) headers.append("connection", "keep-alive");
    const { text, chunked } = responseHead(status, headers, {
      endStream,
      isHead,
      old,
      format: manager.config.codec.properCase ? properCase : undefined,
    });
    this.declared = isHead ? undefined : declaredLength(headers);
    this.status = status;
    this.headSent = true;
    connection.writer.head(text, chunked, endStream);
  }

  sendData(chunk: Buffer): boolean {
    this.sent += chunk.length;
    // Bytes beyond the declared length would be read as the next response.
    if (this.declared !== undefined && this.sent > this.declared) this.connection.closing = true;
    return this.connection.writer.data(chunk);
  }

  endResponse(trailers?: HeaderMap): void {
    const { connection, declared, sent } = this;
    if (declared !== undefined && sent < declared && !NO_BODY.has(this.status)) {
      // The client waits for bytes that never come: only the end of the connection tells it.
      this.answered = true;
      connection.close();
      return;
    }
    const some = trailers && connection.manager.config.codec.enableTrailers && declared === undefined;
    connection.writer.end(some ? trailerLines(trailers) : "");
    this.answered = true;
    connection.responseEnded(this.early);
    if (declared !== undefined && sent > declared) connection.close();
  }

  reset(): void {
    const { connection } = this;
    this.answered = true;
    if (this.headSent) connection.close();
    else connection.base.socket.destroy();
  }

  release(): void {
    this.released = true;
    this.held = undefined;
    this.connection.pauseBody(false);
  }
}

/** Statuses whose content-length counts no bytes. */
const NO_BODY: ReadonlySet<number> = new Set([204, 304]);
