import type { Clock, Timer } from "../../clock";
import type { HeaderMap } from "../../stores/header-map";
import { ResponseFlag } from "../../stores/stream-info";
import type { LocalReply, RewrittenReply, StreamEnds } from "../../stream/filter";
import type { FilterChain } from "../../stream/filter-chain";
import { buildLocalReply, isGrpc } from "../../stream/local-reply";
import type { ChainFactory } from "../chain";
import type { Route } from "../router/route";
import { Router } from "../router/router";
import type { StreamTrace } from "../tracing/stream-trace";
import type { Tracing } from "../tracing/tracing";
import { CONNECT } from "../tunnel/upgrade-headers";
import { Hold, HoldReason } from "./back-pressure";
import type { CodecStream, CodecStreamEvents } from "./codec";
import type { DownstreamConnection } from "./connection";
import type { ConnectionManager } from "./connection-manager";
import { reasonPhrase } from "./reason-phrases";
import { countPathError, type Refusal } from "./refusal";
import { StreamFacts } from "./stream-facts";
import { StreamMeter } from "./stream-meter";
import { type StreamTimerEvents, StreamTimers } from "./stream-timers";

/** Of gRPC. */
const DEADLINE_EXCEEDED = 4;

/** One request of a client and its response: what lies between the codec and the filter chain. */
export class ActiveStream implements StreamEnds, CodecStreamEvents, StreamTimerEvents {
  readonly info: StreamFacts;
  /** Absent where the file says nothing of local replies. */
  readonly rewriteLocalReply?: (headers: HeaderMap, status: number, body: Buffer) => RewrittenReply;
  readonly meter: StreamMeter | undefined;
  private installed: FilterChain | undefined;
  private createChain: ChainFactory;
  /** What was granted, if the request asked for an upgrade or CONNECT: bytes follow its head, no HTTP. */
  tunnel: string | undefined;
  private readonly router: Router;
  private readonly timers: StreamTimers;
  /** Undefined: it is not traced. */
  trace: StreamTrace | undefined;
  /** The whole request has been read. */
  private requestComplete = false;
  private headersSent = false;
  private responseEnded = false;
  private finished = false;
  private logTimer: Timer | undefined;
  private isHead = false;
  private readonly requestHold: Hold;
  private readonly responseHold: Hold;

  constructor(
    private readonly manager: ConnectionManager,
    private readonly connection: DownstreamConnection,
    private readonly codec: CodecStream,
  ) {
    const { clock, routes, clusters, listenerInfo } = manager;
    this.info = new StreamFacts(connection.info, listenerInfo, clock, routes, clusters);
    this.info.protocol = codec.protocol;
    if (manager.needs.size > 0) this.meter = new StreamMeter(this.info, manager.needs);
    const { localReplies } = manager;
    if (localReplies)
      this.rewriteLocalReply = (headers, status, body) => localReplies.rewrite(headers, status, body, this);
    this.router = new Router(this, manager);
    this.requestHold = new Hold((held) => this.onRequestHeld(held));
    this.responseHold = new Hold((held) => this.router.pauseResponse(held));
    this.createChain = manager.createChain;
    this.timers = new StreamTimers(manager.timeouts, this, codec.headMs);
    manager.streamStarted(connection);
  }

  /** For the values of headers that are made while the stream runs. */
  get clock(): Clock {
    return this.manager.clock;
  }

  /** Its filters; which they are is settled by then. */
  get chain(): FilterChain {
    this.installed ??= this.createChain(this);
    return this.installed;
  }

  /** Runs a readable request through the chain. */
  start(headers: HeaderMap, endStream: boolean): void {
    if (this.begin(headers, endStream)) this.run(headers, endStream);
  }

  private run(headers: HeaderMap, endStream: boolean): void {
    const { atStart, flushIntervalMs } = this.manager.config.accessLogOptions;
    if (atStart) this.chain.logNow("DownstreamStart");
    if (flushIntervalMs > 0)
      this.logTimer = this.manager.clock.setTimer(flushIntervalMs, () => this.logAgain());
    this.chain.requestHeaders(headers, endStream);
    this.timers.touch();
    if (!endStream && !this.finished) this.codec.readRequest();
  }

  /** An entry while the stream goes on. */
  private logAgain(): void {
    this.chain.logNow("DownstreamPeriodic");
    const { flushIntervalMs } = this.manager.config.accessLogOptions;
    this.logTimer = this.manager.clock.setTimer(flushIntervalMs, () => this.logAgain());
  }

  /** False when it is not served, and has been answered. */
  private begin(headers: HeaderMap, endStream: boolean): boolean {
    const { edge, stats } = this.manager;
    this.isHead = headers.get(":method") === "HEAD";
    this.meter?.requestHead(headers, endStream, this.codec.rawHeaders);
    const refusal = edge.admit(headers, this.info);
    if (refusal) {
      countPathError(refusal, stats);
      this.reject(headers, refusal, endStream);
      return false;
    }
    edge.enter(headers, this.info);
    this.info.requestHeaders = headers;
    this.requestComplete = endStream;
    const route = this.currentRoute();
    const { tracing } = this.manager;
    if (tracing) this.beginTrace(tracing, headers, route);
    return true;
  }

  private beginTrace(tracing: Tracing, headers: HeaderMap, route: Route | undefined): void {
    this.trace = tracing.begin(headers, route, this.microseconds(), this.info);
    this.trace?.decorate(headers);
    this.info.traceId = this.trace?.traceId;
    this.info.spanId = this.trace?.spanId;
  }

  /** Wall clock, since 1970. */
  microseconds(): number {
    return Number(this.manager.clock.now() / 1000n);
  }

  /** The route of the request as its headers stand now; its time limits count from here. */
  currentRoute(): Route | undefined {
    const route = this.info.currentRoute();
    this.timers.onRoute(route, this.info.requestHeaders!);
    return route;
  }

  /** One side has moved. */
  touch(): void {
    this.timers.touch();
  }

  /** A request for another protocol, by `upgrade` or CONNECT. False when the protocol is refused. */
  startTunnel(type: string, headers: HeaderMap, endStream: boolean): boolean {
    const { info, manager } = this;
    if (!this.begin(headers, endStream)) return true;
    const route = info.currentRoute();
    // A CONNECT that leads nowhere is a matter for the router.
    if (type !== CONNECT || route) {
      const createChain = manager.upgrades.grant(type, route);
      if (!createChain) {
        this.refuseProtocol();
        return false;
      }
      this.tunnel = type;
      this.createChain = createChain;
      manager.stats.downstream_cx_upgrades_total.inc();
      manager.stats.downstream_cx_upgrades_active.add(1);
    }
    this.run(headers, endStream);
    return true;
  }

  /** The client asks for another protocol, which no route allows. */
  refuseUpgrade(headers: HeaderMap, endStream: boolean): void {
    if (this.begin(headers, endStream)) this.refuseProtocol();
  }

  private refuseProtocol(): void {
    const { stats } = this.manager;
    stats.downstream_rq_ws_on_non_ws_route.inc();
    // What was to follow is of another protocol: such a request is never complete.
    if (this.requestComplete || this.codec.requestArrived) {
      stats.downstream_rq_response_before_rq_complete.inc();
      stats.downstream_rq_rx_reset.inc();
    }
    this.localReply({ status: 403, body: "", details: "upgrade_failed" });
  }

  /** The client waits for a word before it sends its body. */
  sendContinue(): void {
    this.manager.codes.count(100);
    this.codec.sendContinue();
    this.meter?.interim();
  }

  // --- CodecStreamEvents

  onRequestData(chunk: Buffer, endStream: boolean): void {
    if (this.finished) return;
    this.info.bytesReceived += chunk.length;
    this.meter?.requestData(chunk.length);
    this.timers.touch();
    if (endStream) {
      this.requestComplete = true;
      this.meter?.requestEnd();
    }
    this.chain.requestData(chunk, endStream);
    if (endStream) this.timers.requestDone();
  }

  onRequestTrailers(trailers: HeaderMap): void {
    if (this.finished) return;
    this.timers.touch();
    this.requestComplete = true;
    this.meter?.requestEnd(trailers);
    this.chain.requestTrailers(trailers);
  }

  onDrain(): void {
    this.responseHold.set(HoldReason.Peer, false);
  }

  onGone(): void {
    this.onReset("downstream_remote_disconnect", ResponseFlag.DownstreamConnectionTermination);
  }

  onReset(details: string, flag: ResponseFlag): void {
    if (this.finished || this.responseEnded) return;
    const { info, manager } = this;
    info.responseFlags |= flag;
    info.responseCodeDetails = details;
    manager.stats.downstream_rq_rx_reset.inc();
    this.finish();
  }

  /** What lies around the chain is broken. */
  onBug(error: unknown): void {
    this.chain.broken(error);
  }

  // --- trouble

  /** Answers a request that cannot be served at all; no filter sees it. */
  reject(requestHeaders: HeaderMap, { status, details, codec, location }: Refusal, endStream: boolean): void {
    const { info } = this;
    info.responseCodeDetails = details;
    if (codec) info.responseFlags |= ResponseFlag.DownstreamProtocolError;
    else {
      info.requestHeaders = requestHeaders;
      this.requestComplete = endStream;
    }
    // A request that is merely not found here leaves its connection usable, if it has been read.
    if (codec || status === 400) this.codec.giveUpConnection();
    const grpc = !codec && isGrpc(requestHeaders);
    const own: [string, string][] = location === undefined ? [] : [["location", location]];
    const reply = { status, body: codec ? reasonPhrase(status) : "", headers: own, details };
    const { headers, body } = buildLocalReply(reply, { grpc, head: false }, () => {}, this.rewriteLocalReply);
    this.sendResponseHeaders(headers, body.length === 0);
    if (body.length > 0) this.sendResponseData(body, true);
  }

  /** The rest of the request is no HTTP: refused if nothing was said yet, else the end. */
  breakRequest({ status, details }: Refusal): void {
    const flags = ResponseFlag.DownstreamProtocolError;
    if (!this.headersSent) {
      this.localReply({ status, body: reasonPhrase(status), details, flags });
      return;
    }
    if (this.responseEnded) return;
    this.codec.reset();
    this.onReset(details, flags);
  }

  // --- StreamTimerEvents

  onIdleTimeout(): void {
    this.manager.stats.downstream_rq_idle_timeout.inc();
    this.info.responseFlags |= ResponseFlag.StreamIdleTimeout;
    this.tooLate("stream timeout", "stream_idle_timeout");
  }

  onRequestTimeout(): void {
    this.manager.stats.downstream_rq_timeout.inc();
    this.tooLate("request timeout", "request_overall_timeout");
  }

  onMaxDuration(): void {
    this.manager.stats.downstream_rq_max_duration_reached.inc();
    this.tooLate("downstream duration timeout", "max_duration_timeout", DEADLINE_EXCEEDED);
  }

  /** The client is late until its request is complete, then it is not. */
  private tooLate(body: string, details: string, grpcStatus?: number): void {
    const status = this.requestComplete ? 504 : 408;
    this.localReply({ status, body, details, ...(grpcStatus !== undefined && { grpcStatus }) });
  }

  /** The router's own replies go through the response filters like any response. */
  localReply(reply: LocalReply): void {
    if (!this.finished) this.chain.sendLocalReply(reply);
  }

  // --- StreamEnds: the request leaves the chain

  forwardRequestHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.finished) return;
    if (endStream) this.timers.requestDone();
    this.router.decodeHeaders(headers, endStream);
  }

  forwardRequestData(chunk: Buffer, endStream: boolean): void {
    if (!this.finished) this.router.decodeData(chunk, endStream);
  }

  forwardRequestTrailers(trailers: HeaderMap): void {
    if (this.finished) return;
    this.timers.requestDone();
    this.router.decodeTrailers(trailers);
  }

  decorateLocalReply(headers: HeaderMap): void {
    // A 400 made here is taken for a messaging error, whoever makes it (observed).
    if (headers.get(":status") === "400") this.codec.giveUpConnection();
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
    this.timers.requestDone();
    const { manager, codec } = this;
    const status = Number(headers.get(":status"));
    if (!Number.isInteger(status)) {
      this.replaceResponse({
        status: 502,
        body: "missing required header: :status",
        details: "filter_removed_required_response_headers{missing_required_header:_:status}",
      });
      return;
    }
    if (!this.requestComplete && !codec.requestArrived) {
      manager.stats.downstream_rq_response_before_rq_complete.inc();
      // A tunnel's request is reset when its stream ends.
      if (this.tunnel === undefined) manager.stats.downstream_rq_rx_reset.inc();
      codec.answerEarly();
    }
    manager.edge.leave(headers, this.info.requestHeaders, this.tunnel);
    this.trace?.answer(headers);
    this.info.responseHeaders = headers;
    this.info.responseCode = status;
    try {
      codec.sendHeaders(headers, status, endStream);
      this.meter?.responseHead(headers, endStream);
    } catch {
      // A filter made a header or status that the wire cannot carry. Nothing has left yet; nothing of it will.
      codec.giveUpConnection();
      this.replaceResponse({ status: 500, body: "", details: "invalid_response_header" });
      return;
    }
    manager.codes.count(status);
    if (endStream) this.endResponse();
  }

  /** Answers in place of a response that cannot be sent; no filter sees it. */
  private replaceResponse(reply: LocalReply): void {
    const { info, manager, codec, isHead } = this;
    const grpc = isGrpc(info.requestHeaders);
    const { headers, body } = buildLocalReply(
      reply,
      { grpc, head: isHead },
      () => {},
      this.rewriteLocalReply,
    );
    const status = Number(headers.get(":status"));
    const bare = isHead || body.length === 0;
    manager.edge.leave(headers, this.info.requestHeaders, this.tunnel);
    info.responseHeaders = headers;
    info.responseCode = status;
    info.responseCodeDetails = reply.details;
    this.router.cancel();
    codec.sendHeaders(headers, status, bare);
    this.meter?.responseHead(headers, bare);
    manager.codes.count(status);
    if (!bare) {
      info.bytesSent += body.length;
      codec.sendData(body);
      this.meter?.responseData(body.length);
    }
    this.endResponse();
  }

  sendResponseData(chunk: Buffer, endStream: boolean): void {
    if (!this.headersSent || this.responseEnded || this.finished) return;
    if (chunk.length > 0 && !this.isHead) {
      this.info.bytesSent += chunk.length;
      this.meter?.responseData(chunk.length);
      if (!this.codec.sendData(chunk)) this.responseHold.set(HoldReason.Peer, true);
    }
    if (endStream) this.endResponse();
  }

  sendResponseTrailers(trailers: HeaderMap): void {
    if (!this.headersSent || this.responseEnded || this.finished) return;
    this.info.responseTrailers = trailers;
    this.endResponse(trailers);
  }

  private endResponse(trailers?: HeaderMap): void {
    this.responseEnded = true;
    if (this.tunnel !== undefined && !this.requestComplete) this.manager.stats.downstream_rq_rx_reset.inc();
    try {
      this.codec.endResponse(trailers, this.timers.silenceMs);
      this.meter?.responseEnd(trailers);
    } catch (error) {
      // Still to be cut.
      this.responseEnded = false;
      throw error;
    }
    // After the filter callback that may have brought us here.
    process.nextTick(finishStream, this);
  }

  resetStream(details: string): void {
    if (this.finished || this.responseEnded) return;
    this.info.responseCodeDetails = details;
    const { stats } = this.manager;
    stats.downstream_rq_tx_reset.inc();
    // Envoy's stream hears of its own reset, too.
    stats.downstream_rq_rx_reset.inc();
    this.responseEnded = true;
    this.codec.reset();
    process.nextTick(finishStream, this);
  }

  /** Once per stream, whatever ended it. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.timers.stop();
    this.logTimer?.cancel();
    this.router.cancel();
    this.info.endMonotonic = this.manager.clock.monotonic();
    this.trace?.end(this.info, this.microseconds());
    this.chain.finish();
    this.manager.streamFinished(this.info, this.connection);
    if (this.tunnel !== undefined) this.manager.stats.downstream_cx_upgrades_active.add(-1);
    if (!this.requestComplete) this.codec.release();
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
    if (held) stats.downstream_flow_control_paused_reading_total.inc();
    else stats.downstream_flow_control_resumed_reading_total.inc();
    this.codec.pauseRequest(held);
  }
}

function finishStream(stream: ActiveStream): void {
  try {
    stream.finish();
  } catch (error) {
    stream.onBug(error);
  }
}
