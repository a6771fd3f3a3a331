import type { IncomingMessage, ServerResponse } from "node:http";
import { HeaderMap } from "../../stores/header-map";
import { ResponseFlag } from "../../stores/stream-info";
import type { LocalReply, StreamEnds } from "../../stream/filter";
import type { FilterChain } from "../../stream/filter-chain";
import { Router } from "../router/router";
import { Hold, HoldReason } from "./back-pressure";
import type { DownstreamConnection } from "./connection";
import type { ConnectionManager } from "./connection-manager";
import { closeAfterFlush, closeDelayed } from "./delayed-close";
import { reasonPhrase } from "./reason-phrases";
import type { Refusal } from "./refusal";
import type { RequestHead } from "./request-headers";
import { answerInHttp10, declaredLength, finishResponseHeaders, writeHead } from "./response-writer";
import { StreamFacts } from "./stream-facts";

const EMPTY = Buffer.alloc(0);

/** One request of a client and its response: the codec's side of the filter chain. */
export class ActiveStream implements StreamEnds {
  readonly info: StreamFacts;
  readonly chain: FilterChain;
  private readonly router: Router;
  /** The whole request has been read. */
  private requestComplete = false;
  private headersSent = false;
  private responseEnded = false;
  private finished = false;
  private isHead = false;
  private declared: number | undefined;
  private readonly requestHold: Hold;
  private readonly responseHold: Hold;

  constructor(
    private readonly manager: ConnectionManager,
    private readonly connection: DownstreamConnection,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    const { clock, routes, clusters, listenerInfo } = manager;
    this.info = new StreamFacts(connection.info, listenerInfo, clock, routes, clusters);
    if (request.httpVersion !== "1.1" && manager.config.acceptHttp10) {
      this.info.protocol = "HTTP/1.0";
      answerInHttp10(response);
    }
    this.router = new Router(this, manager);
    this.requestHold = new Hold((held) => this.onRequestHeld(held));
    this.responseHold = new Hold((held) => this.router.pauseResponse(held));
    this.chain = manager.createChain(this);
    response.on("drain", () => this.responseHold.set(HoldReason.Peer, false));
    response.on("close", () => this.onResponseClosed());
    // A socket's troubles end the stream through "close"; nobody else wants to hear of them.
    response.on("error", ignore);
    request.on("error", ignore);
  }

  /** Runs a readable request through the chain. */
  start(head: RequestHead): void {
    const { request } = this;
    const { headers } = head;
    this.info.requestHeaders = headers;
    this.isHead = request.method === "HEAD";
    const endStream = head.transferEncoding === undefined && !Number(headers.get("content-length") ?? 0);
    this.requestComplete = endStream;
    this.info.currentRoute();
    if (head.upgrade !== undefined) {
      this.manager.stats.downstream_rq_ws_on_non_ws_route.inc();
      this.localReply({ status: 403, body: "", details: "upgrade_failed" });
      return;
    }
    this.chain.requestHeaders(headers, endStream);
    if (endStream || this.finished) return;
    request.on("data", (chunk: Buffer) => {
      if (this.finished) return;
      this.info.bytesReceived += chunk.length;
      this.chain.requestData(chunk, false);
    });
    request.on("end", () => this.onRequestEnd());
  }

  private onRequestEnd(): void {
    if (this.finished) return;
    this.requestComplete = true;
    const raw = this.request.rawTrailers;
    if (raw.length === 0 || !this.manager.config.enableTrailers) {
      this.chain.requestData(EMPTY, true);
      return;
    }
    const trailers = new HeaderMap("request-trailers");
    for (let i = 0; i < raw.length; i += 2) trailers.add(raw[i]!.toLowerCase(), raw[i + 1]!);
    this.chain.requestTrailers(trailers);
  }

  /** Answers a request that cannot be served at all; no filter sees it. */
  reject(head: RequestHead, { status, details, codec }: Refusal): void {
    const { info } = this;
    info.responseCodeDetails = details;
    const body = codec ? reasonPhrase(status) : "";
    const headers = HeaderMap.of("response", [[":status", String(status)]]);
    if (codec) {
      info.responseFlags |= ResponseFlag.DownstreamProtocolError;
      headers.append("content-length", String(body.length));
      headers.append("content-type", "text/plain");
    } else info.requestHeaders = head.headers;
    // Only a request that is merely not found leaves its connection usable.
    if (status === 404) this.requestComplete = true;
    else this.connection.closing = true;
    this.sendResponseHeaders(headers, !codec);
    if (codec) this.sendResponseData(Buffer.from(body, "latin1"), true);
  }

  /** The rest of the request is no HTTP: 400 if nothing was said yet, else the end. */
  breakRequest(): void {
    const flags = ResponseFlag.DownstreamProtocolError;
    if (this.headersSent) this.resetStream("http1.codec_error");
    else this.localReply({ status: 400, body: "Bad Request", details: "http1.codec_error", flags });
  }

  /** Neither side has moved for long. */
  onIdleTimeout(): void {
    if (this.headersSent) {
      this.resetStream("stream_idle_timeout");
      return;
    }
    const status = this.requestComplete ? 504 : 408;
    this.localReply({ status, body: "stream timeout", details: "stream_idle_timeout" });
  }

  /** The router's own replies go through the response filters like any response. */
  localReply(reply: LocalReply): void {
    if (!this.finished) this.chain.sendLocalReply(reply);
  }

  // --- StreamEnds: the request leaves the chain

  forwardRequestHeaders(headers: HeaderMap, endStream: boolean): void {
    if (!this.finished) this.router.decodeHeaders(headers, endStream);
  }

  forwardRequestData(chunk: Buffer, endStream: boolean): void {
    if (!this.finished) this.router.decodeData(chunk, endStream);
  }

  forwardRequestTrailers(trailers: HeaderMap): void {
    if (!this.finished) this.router.decodeTrailers(trailers);
  }

  decorateLocalReply(headers: HeaderMap): void {
    // A 400 made here is taken for a messaging error, whoever makes it (observed).
    if (headers.get(":status") === "400") this.connection.closing = true;
    this.router.decorateLocalReply(headers);
  }

  cancelUpstream(): void {
    this.router.cancel();
  }

  clearRouteCache(): void {
    this.info.clearRoute();
  }

  // --- StreamEnds: the response leaves the chain

  sendResponseHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.headersSent || this.finished) return;
    this.headersSent = true;
    const { connection, manager } = this;
    const status = Number(headers.get(":status"));
    if (!Number.isInteger(status)) {
      this.refuseResponse(502, "filter_removed_required_response_headers{missing_required_header:_:status}");
      return;
    }
    // HTTP/1.1 cannot serve a next request before this one is read to its end.
    const early = !this.requestComplete && !this.request.complete;
    if (early) {
      manager.stats.downstream_rq_response_before_rq_complete.inc();
      manager.stats.downstream_rq_rx_reset.inc();
    }
    if (manager.draining && !connection.closing) manager.stats.downstream_cx_drain_close.inc();
    // HTTP/1.0 knows no chunks: without a length the end of the connection is the end of the body.
    const http10 = this.info.protocol === "HTTP/1.0";
    if (early || manager.draining || (http10 && !headers.has("content-length"))) connection.closing = true;
    finishResponseHeaders(headers, manager.config.serverName, connection.closing);
    if (http10 && !connection.closing) headers.append("connection", "keep-alive");
    this.info.responseHeaders = headers;
    this.info.responseCode = status;
    this.declared = this.isHead ? undefined : declaredLength(headers);
    if (connection.closing) this.response.shouldKeepAlive = false;
    if (early) closeDelayed(this.response, manager.stats.downstream_cx_delayed_close_timeout);
    try {
      writeHead(this.response, status, headers, endStream, this.isHead);
    } catch {
      // A filter made a header or status that node:http cannot write. Nothing has left yet; nothing of it will.
      this.refuseResponse(500, "invalid_response_header");
      return;
    }
    manager.codes.count(status);
    if (endStream) this.endResponse();
    else process.nextTick(flushHeaders, this.response);
  }

  private refuseResponse(status: number, details: string): void {
    const headers = HeaderMap.of("response", [[":status", String(status)]]);
    this.connection.closing = true;
    finishResponseHeaders(headers, this.manager.config.serverName, true);
    this.info.responseHeaders = headers;
    this.info.responseCode = status;
    this.info.responseCodeDetails = details;
    this.declared = undefined;
    this.response.shouldKeepAlive = false;
    this.router.cancel();
    writeHead(this.response, status, headers, true, this.isHead);
    this.manager.codes.count(status);
    this.endResponse();
  }

  sendResponseData(chunk: Buffer, endStream: boolean): void {
    if (!this.headersSent || this.responseEnded || this.finished) return;
    if (chunk.length > 0 && !this.isHead) {
      this.info.bytesSent += chunk.length;
      // Bytes beyond the declared length would be read as the next response.
      if (this.declared !== undefined && this.info.bytesSent > this.declared) this.connection.closing = true;
      if (!this.response.write(chunk)) this.responseHold.set(HoldReason.Peer, true);
    }
    if (endStream) this.endResponse();
  }

  sendResponseTrailers(trailers: HeaderMap): void {
    if (!this.headersSent || this.responseEnded || this.finished) return;
    this.info.responseTrailers = trailers;
    if (this.manager.config.enableTrailers && this.declared === undefined) {
      this.response.addTrailers([...trailers]);
    }
    this.endResponse();
  }

  private endResponse(): void {
    this.responseEnded = true;
    const { response, declared, info } = this;
    if (declared !== undefined && info.bytesSent < declared && !NO_BODY.has(response.statusCode)) {
      // The client waits for bytes that never come: only the end of the connection tells it.
      closeAfterFlush(this.request.socket);
    } else {
      response.end();
      if (declared !== undefined && info.bytesSent > declared) closeAfterFlush(this.request.socket);
    }
    // After the filter callback that may have brought us here.
    process.nextTick(finishStream, this);
  }

  resetStream(details: string): void {
    if (this.finished || this.responseEnded) return;
    this.info.responseCodeDetails ??= details;
    this.manager.stats.downstream_rq_tx_reset.inc();
    this.responseEnded = true;
    if (this.headersSent) {
      this.response.flushHeaders();
      closeAfterFlush(this.request.socket);
    } else this.request.socket.destroy();
    process.nextTick(finishStream, this);
  }

  private onResponseClosed(): void {
    if (this.finished || this.responseEnded) return;
    const { info, manager } = this;
    info.responseFlags |= ResponseFlag.DownstreamConnectionTermination;
    info.responseCodeDetails ??= "downstream_remote_disconnect";
    manager.stats.downstream_rq_rx_reset.inc();
    this.finish();
  }

  /** Once per stream, whatever ended it. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.router.cancel();
    this.info.endMonotonic = this.manager.clock.monotonic();
    this.chain.finish();
    this.manager.streamFinished(this, this.connection);
    if (!this.requestComplete) this.request.resume();
  }

  // --- back-pressure

  pauseRequest(paused: boolean): void {
    this.requestHold.set(HoldReason.Chain, paused);
  }

  pauseResponse(paused: boolean): void {
    this.responseHold.set(HoldReason.Chain, paused);
  }

  /** The router's host takes no more bytes, or does again. */
  holdForUpstream(paused: boolean): void {
    this.requestHold.set(HoldReason.Peer, paused);
  }

  private onRequestHeld(held: boolean): void {
    const { stats } = this.manager;
    if (held) {
      stats.downstream_flow_control_paused_reading_total.inc();
      this.request.pause();
    } else {
      stats.downstream_flow_control_resumed_reading_total.inc();
      this.request.resume();
    }
  }
}

/** Statuses whose content-length counts no bytes. */
const NO_BODY: ReadonlySet<number> = new Set([204, 304]);

function ignore(): void {}

function finishStream(stream: ActiveStream): void {
  stream.finish();
}

/** Headers go out at once even when the body takes its time; usually the first chunk has joined them by now. */
function flushHeaders(response: ServerResponse): void {
  if (!response.destroyed && !response.writableEnded) response.flushHeaders();
}
