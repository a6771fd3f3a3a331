import type { HeaderMap } from "../../stores/header-map";
import { ResponseFlag } from "../../stores/stream-info";
import type { LocalReply } from "../../stream/filter";
import type { Cluster, Host } from "../clusters/cluster";
import type { ResponseCodeStats } from "../clusters/cluster-stats";
import type { PooledSocket } from "../clusters/connector";
import { tellConnection } from "../clusters/host-facts";
import { openUpstream } from "../clusters/open-upstream";
import { UnsendableError } from "../clusters/request-writer";
import type { ResetReason, UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import type { ActiveStream } from "../downstream/active-stream";
import type { ConnectionManager } from "../downstream/connection-manager";
import type { AttemptEnd } from "../tracing/stream-trace";
import { openTunnel } from "../tunnel/open-tunnel";
import { HostChoice } from "./host-choice";
import { type RequestLimits, requestLimits, tellLimits } from "./request-limits";
import { rewriteRequest } from "./request-rewrite";
import { ATTEMPTS, decorateResponse } from "./response-headers";
import { Retries } from "./retries";
import { retryPolicy } from "./retry-orders";
import type { RetryDecision } from "./retry-state";
import { addressRequest, type RoutedRequest, takeAnswer } from "./routed-request";
import { Shadows } from "./shadow";
import { type LimitedExchange, TimeLimits } from "./time-limits";
import { failureReply, flagOf, words } from "./upstream-failure";

const TOO_LONG_TO_RETRY = "exceeded request buffer limit while retrying upstream";

/** A request on its way to a cluster and its response on the way back: attempt after attempt. */
export class ClusterExchange implements UpstreamEvents, LimitedExchange {
  private upstream: UpstreamStream | undefined;
  private readonly ordered: RequestLimits;
  private readonly limits: TimeLimits;
  private readonly hosts: HostChoice;
  responseStarted = false;
  /** When the whole request had been sent; service time counts from here. */
  private sentAt: number | undefined;
  private paused = false;
  private shadows: Shadows | undefined;
  /** When a connection was asked for, monotonic. */
  private askedAt = 0n;
  /** Undefined: the policy retries nothing. */
  private retries: Retries | undefined;
  /** The running attempt has a connection. */
  private begun = false;
  /** The next attempt is made because the one before took too long. */
  private tooSlow = false;

  constructor(
    private readonly stream: ActiveStream,
    private readonly manager: ConnectionManager,
    private readonly request: RoutedRequest,
  ) {
    const { cluster, route, action, headers } = request;
    this.hosts = new HostChoice(cluster, route, action, headers, stream.info);
    this.ordered = requestLimits(action, headers, manager.router);
    this.limits = new TimeLimits(this.ordered, this);
  }

  start(endStream: boolean): void {
    const { manager } = this;
    const { cluster, route, action, headers } = this.request;
    tellLimits(this.ordered, headers, 0, manager.router);
    // Counts although nobody may be there to be asked (observed), and is known to the headers that a route adds.
    this.stream.info.upstream.attempts++;
    rewriteRequest(route, action, headers, !manager.router.suppressEnvoyHeaders, this.stream);
    // Hashes, and hosts that requests name, are looked for in what the route has made of them.
    const host = this.chooseHost();
    if (!host) return;
    addressRequest(this.request, host, this.stream, manager);
    if (action.mirrors.length > 0)
      this.shadows = new Shadows(
        action.mirrors,
        headers,
        endStream,
        manager.clusters,
        this.ordered.requestMs,
      );
    const retry = retryPolicy(action.retry, headers);
    if (retry)
      this.retries = new Retries(retry, cluster, endStream, manager.bufferLimit, () => this.onRetry());
    this.attempt(host, endStream);
    if (endStream) this.onRequestComplete();
  }

  private chooseHost(): Host | undefined {
    const { cluster } = this.request;
    const host = this.hosts.next();
    if (host) return host;
    cluster.stats.upstream_cx_none_healthy.inc();
    this.codes.count(503);
    this.reply(503, "no healthy upstream", "no_healthy_upstream", ResponseFlag.NoHealthyUpstream);
    return undefined;
  }

  private reply(status: number, body: string, details: string, flags: number): void {
    this.stream.localReply({ status, body, details, flags });
  }

  /** Sends what there is of the request to a host. */
  private attempt(host: Host, bare: boolean): void {
    const { retries } = this;
    const { cluster, headers, route } = this.request;
    const { info } = this.stream;
    this.begun = false;
    this.hosts.taken(host);
    info.hostChosen(host);
    if (route.virtualHost.attemptCountUpstream) headers.set(ATTEMPTS, String(info.upstream.attempts));
    this.stream.meter?.attempt(host, headers, cluster.config.http2 !== undefined, bare);
    if (cluster.refuses(host)) {
      this.onUpstreamReset("overflow", "");
      return;
    }
    this.askedAt = this.manager.clock.monotonic();
    const { trace } = this.stream;
    if (trace) trace.beginAttempt(cluster.config.name, headers, this.stream.microseconds());
    try {
      const upstream = this.open(host, bare);
      this.upstream = upstream;
      // What held the attempt before up is nothing to this one.
      if (retries) this.stream.holdForUpstream(!bare && !retries.replay(upstream));
    } catch (error) {
      if (!(error instanceof UnsendableError)) throw error;
      const details = `filter_removed_required_request_headers{${words(error.message)}}`;
      this.reply(503, error.message, details, ResponseFlag.DownstreamProtocolError);
    }
  }

  private open(host: Host, bare: boolean): UpstreamStream {
    const { cluster, headers, action } = this.request;
    const { tunnel } = this.stream;
    if (tunnel === undefined) return openUpstream(cluster, host, headers, bare, this);
    const terminate = action.upgrades?.get(tunnel)?.terminate ?? false;
    return openTunnel(cluster, host, { headers, endStream: bare, type: tunnel, terminate }, this);
  }

  decodeData(chunk: Buffer, endStream: boolean): void {
    this.shadows?.write(chunk);
    if (endStream) this.shadows?.end();
    if (this.retries && !this.retries.keep(chunk, endStream)) {
      this.limits.stop();
      this.reply(507, TOO_LONG_TO_RETRY, "request_payload_exceeded_retry_buffer_limit", 0);
      return;
    }
    this.stream.meter?.upstreamData(chunk.length);
    if (this.upstream) {
      if (!this.upstream.write(chunk)) this.stream.holdForUpstream(true);
      if (endStream) this.upstream.end();
    }
    if (endStream) this.onRequestComplete();
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.shadows?.end(trailers);
    this.retries?.keepTrailers(trailers);
    this.upstream?.end(trailers);
    this.onRequestComplete(trailers);
  }

  /** Limits count from here. */
  private onRequestComplete(trailers?: HeaderMap): void {
    this.sentAt = performance.now();
    this.stream.meter?.upstreamSent(trailers);
    if (!this.upstream && !this.retries?.waiting) return;
    this.limits.requestComplete();
    if (this.begun) this.limits.attemptWaits();
  }

  // --- LimitedExchange

  get cluster(): Cluster {
    return this.request.cluster;
  }

  get codes(): ResponseCodeStats {
    return this.request.codes;
  }

  get requestComplete(): boolean {
    return this.sentAt !== undefined;
  }

  /** Whole milliseconds since the request was sent; undefined before. */
  private get serviceMs(): number | undefined {
    return this.sentAt === undefined ? undefined : Math.floor(performance.now() - this.sentAt);
  }

  get trying(): boolean {
    return this.upstream !== undefined;
  }

  get waiting(): boolean {
    return this.retries?.waiting ?? false;
  }

  dropAttempt(late: boolean): void {
    const { upstream } = this;
    this.upstream = undefined;
    this.limits.attemptEnds();
    if (!upstream) return;
    upstream.cancel();
    if (this.stream.trace) this.endSpan({});
    if (!late) return;
    if (this.begun && !this.responseStarted) upstream.host.outlier?.outcome("timeout");
    upstream.host.stats.rq_timeout.inc();
    upstream.host.stats.rq_error.inc();
  }

  retryDropped(late: boolean): boolean {
    return !this.responseStarted && this.retried(this.retries?.onReset("local reset", this.begun), late);
  }

  end(reply: LocalReply): void {
    this.limits.stop();
    this.retries?.stop();
    const { stream } = this;
    if (this.responseStarted) {
      stream.info.responseFlags |= reply.flags ?? 0;
      stream.resetStream(reply.details);
    } else stream.localReply(reply);
  }

  // --- retries

  /** What a decision says of the stream: true when another attempt will come. */
  private retried(decision: RetryDecision | undefined, tooSlow = false): boolean {
    const { info } = this.stream;
    this.tooSlow = tooSlow;
    if (decision === "limit exceeded") info.responseFlags |= ResponseFlag.UpstreamRetryLimitExceeded;
    if (decision === "overflow") info.responseFlags |= ResponseFlag.UpstreamOverflow;
    return decision === "retry";
  }

  private onRetry(): void {
    const { headers, route } = this.request;
    const { ordered, manager } = this;
    try {
      this.stream.info.upstream.attempts++;
      const host = this.chooseHost();
      if (!host) return;
      if (route.virtualHost.tellsTimeoutRetry) headers.set("x-envoy-is-timeout-retry", String(this.tooSlow));
      tellLimits(ordered, headers, this.serviceMs ?? 0, manager.router);
      this.attempt(host, this.retries?.bare ?? true);
    } catch (error) {
      this.onUpstreamBug(error);
    }
  }

  // --- UpstreamEvents

  onUpstreamReady(socket: PooledSocket): void {
    const { info } = this.stream;
    const { upstream } = info;
    this.begun = true;
    info.upstreamRequestStart = this.manager.clock.monotonic();
    upstream.poolReadyDuration = info.upstreamRequestStart - this.askedAt;
    tellConnection(upstream, socket);
    upstream.protocol = this.request.cluster.config.http2 ? "HTTP/2" : "HTTP/1.1";
    this.stream.meter?.upstreamReady(socket, this.sentAt !== undefined);
    this.limits.attemptBegins();
  }

  onUpstreamInformation(status: number): void {
    this.codes.count(status);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const { stream, manager, upstream } = this;
    const { cluster, route } = this.request;
    if (!upstream) return;
    stream.meter?.upstreamHead(headers);
    this.limits.attemptMoves();
    const status = Number(headers.get(":status"));
    if (this.retried(this.retries?.onHeaders(headers))) {
      this.upstream = undefined;
      this.limits.attemptEnds();
      upstream.host.stats.rq_error.inc();
      cluster.retriedCodes.count(status);
      if (this.stream.trace) this.endSpan({ status });
      upstream.cancel();
      return;
    }
    this.responseStarted = true;
    const serviceMs = manager.router.suppressEnvoyHeaders ? undefined : this.serviceMs;
    takeAnswer(headers, status, this.request, upstream.host, stream, serviceMs);
    this.hosts.addCookies(headers);
    decorateResponse(route, headers, stream);
    if (endStream) this.complete();
    stream.touch();
    stream.chain.responseHeaders(headers, endStream);
  }

  onUpstreamData(chunk: Buffer, endStream: boolean): void {
    this.stream.meter?.upstreamBody(chunk.length);
    this.limits.attemptMoves();
    if (endStream) this.complete();
    this.stream.touch();
    this.stream.chain.responseData(chunk, endStream);
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    this.complete(trailers);
    this.stream.touch();
    this.stream.chain.responseTrailers(trailers);
  }

  private complete(trailers?: HeaderMap): void {
    this.stream.meter?.upstreamEnd(trailers);
    this.limits.stop();
    const { info } = this.stream;
    info.upstreamResponseEnd = this.manager.clock.monotonic();
    if (this.stream.trace) this.endSpan({ status: info.responseCode });
    const { serviceMs } = this;
    if (serviceMs !== undefined) this.codes.time(serviceMs);
    this.upstream = undefined;
  }

  /** The attempt's own, if it has one; asked for traced streams alone. */
  private endSpan(end: AttemptEnd): void {
    const { stream } = this;
    stream.trace?.endAttempt(stream.info, stream.microseconds(), end);
  }

  onUpstreamReset(reason: ResetReason, detail: string): void {
    const { stream, manager, upstream } = this;
    const { info } = stream;
    this.limits.attemptEnds();
    this.upstream = undefined;
    upstream?.host.stats.rq_error.inc();
    if (stream.trace) this.endSpan({ flags: flagOf(reason), reset: reason });
    info.upstream.poolReadyDuration ??= manager.clock.monotonic() - this.askedAt;
    if (this.responseStarted) {
      this.limits.stop();
      info.responseFlags |= flagOf(reason);
      info.responseCodeDetails = `upstream_reset_after_response_started{${words(reason)}}`;
      stream.resetStream(info.responseCodeDetails);
      return;
    }
    if (this.retried(this.retries?.onReset(reason, this.begun))) return;
    this.limits.stop();
    const reply = failureReply(reason, detail, info.upstream.attempts > 1);
    this.codes.count(reply.status);
    if (flagOf(reason) === ResponseFlag.UpstreamConnectionFailure && detail !== "")
      info.upstream.transportFailureReason = detail;
    stream.localReply(reply);
  }

  onUpstreamBug(error: unknown): void {
    this.stream.onBug(error);
  }

  onUpstreamDrain(): void {
    this.stream.holdForUpstream(false);
  }

  pauseResponse(paused: boolean): void {
    if (paused === this.paused) return;
    this.paused = paused;
    this.upstream?.pause(paused);
  }

  /** The stream ended, or a filter answered by itself: whatever is still under way is dropped. */
  cancel(): void {
    this.limits.stop();
    this.retries?.stop();
    this.shadows?.drop();
    const { upstream } = this;
    this.upstream = undefined;
    upstream?.cancel();
  }
}
