import type { IncomingMessage, ServerResponse } from "node:http";
import { HeaderMap } from "../../../stores/header-map";
import { contained } from "../../contain";
import { flushHead } from "../../flush-head";
import { ReadGatherer } from "../../read-gatherer";
import type { CodecStream, CodecStreamEvents } from "../codec";
import { closeDelayed } from "./delayed-close";
import type { Http1Connection } from "./http1-connection";
import { codecError } from "./refusal";
import { answerInHttp10, declaredLength, writeHead } from "./response-writer";

const EMPTY = Buffer.alloc(0);

/** A request and its response as node:http knows them. */
export class Http1Stream implements CodecStream {
  readonly protocol: "HTTP/1.0" | "HTTP/1.1";
  private events!: CodecStreamEvents;
  private body: ReadGatherer | undefined;
  private readonly isHead: boolean;
  /** Length the response's head has promised. */
  private declared: number | undefined;
  private sent = 0;

  constructor(
    private readonly connection: Http1Connection,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    const old = request.httpVersion !== "1.1" && connection.manager.config.codec.acceptHttp10;
    this.protocol = old ? "HTTP/1.0" : "HTTP/1.1";
    if (old) answerInHttp10(response);
    this.isHead = request.method === "HEAD";
    // A socket's troubles end the stream through "close"; nobody else wants to hear of them.
    response.on("error", ignore);
    request.on("error", ignore);
  }

  /** Says who is to hear of what happens. */
  attach(events: CodecStreamEvents): void {
    this.events = events;
    this.response.on(
      "drain",
      this.contained(() => events.onDrain()),
    );
    this.response.on(
      "close",
      this.contained(() => {
        this.body?.flush();
        events.onGone();
      }),
    );
  }

  private contained(run: () => void): () => void {
    return contained(run, (error) => this.events.onBug(error));
  }

  get headMs(): number {
    return this.connection.headMs;
  }

  get rawHeaders(): readonly string[] {
    return this.request.rawHeaders;
  }

  get requestArrived(): boolean {
    return this.request.complete;
  }

  sendContinue(): void {
    if (this.protocol === "HTTP/1.0") this.request.socket.write("HTTP/1.0 100 Continue\r\n\r\n");
    else this.response.writeContinue();
  }

  readRequest(): void {
    const { request, events } = this;
    const body = new ReadGatherer(
      (data) => events.onRequestData(data, false),
      (error) => events.onBug(error),
    );
    this.body = body;
    request.on("data", (chunk: Buffer) => body.add(chunk));
    request.on(
      "end",
      this.contained(() => {
        body.flush();
        this.onRequestEnd();
      }),
    );
  }

  private onRequestEnd(): void {
    const raw = this.request.rawTrailers;
    if (raw.some((name, i) => i % 2 === 0 && name.toLowerCase() === "connection")) {
      // node:http takes it for a word of the head's, and may read no further.
      this.connection.closing = true;
    }
    if (raw.length === 0 || !this.connection.manager.config.codec.enableTrailers) {
      this.events.onRequestData(EMPTY, true);
      return;
    }
    if (raw.length / 2 > this.connection.manager.config.codec.limits.count) {
      const { stats } = this.connection.manager;
      stats.downstream_cx_protocol_error.inc();
      stats.downstream_rq_response_before_rq_complete.inc();
      stats.downstream_rq_rx_reset.inc();
      this.connection.closing = true;
      this.connection.stream?.breakRequest(codecError(431, "http1.too_many_trailers"));
      return;
    }
    const trailers = new HeaderMap("request-trailers");
    for (let i = 0; i < raw.length; i += 2) trailers.add(raw[i]!.toLowerCase(), raw[i + 1]!);
    this.events.onRequestTrailers(trailers);
  }

  pauseRequest(paused: boolean): void {
    if (paused) this.request.pause();
    else this.request.resume();
  }

  /** HTTP/1.1 cannot serve a next request before this one is read to its end. */
  answerEarly(): void {
    this.connection.closing = true;
    closeDelayed(this.response, () => this.connection.close());
  }

  giveUpConnection(): void {
    this.connection.closing = true;
  }

  sendHeaders(headers: HeaderMap, status: number, endStream: boolean): void {
    const { connection, response } = this;
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
    this.declared = this.isHead ? undefined : declaredLength(headers);
    if (connection.closing) response.shouldKeepAlive = false;
    writeHead(response, status, headers, endStream, this.isHead, manager.config.codec.properCase);
    // Behind the end of a body that the same read has brought: then all of it leaves in one write.
    if (!endStream) setImmediate(flushHead, response);
  }

  sendData(chunk: Buffer): boolean {
    this.sent += chunk.length;
    // Bytes beyond the declared length would be read as the next response.
    if (this.declared !== undefined && this.sent > this.declared) this.connection.closing = true;
    return this.response.write(chunk);
  }

  endResponse(trailers?: HeaderMap): void {
    const { response, declared, sent } = this;
    if (trailers && this.connection.manager.config.codec.enableTrailers && declared === undefined) {
      response.addTrailers([...trailers]);
    }
    if (declared !== undefined && sent < declared && !NO_BODY.has(response.statusCode)) {
      // The client waits for bytes that never come: only the end of the connection tells it.
      flushHead(response);
      this.connection.close();
      return;
    }
    response.end();
    if (declared !== undefined && sent > declared) this.connection.close();
  }

  reset(): void {
    const { connection, request, response } = this;
    if (response.headersSent) {
      flushHead(response);
      connection.close();
    } else request.socket.destroy();
  }

  release(): void {
    this.request.resume();
  }
}

/** Statuses whose content-length counts no bytes. */
const NO_BODY: ReadonlySet<number> = new Set([204, 304]);

function ignore(): void {}
