import { HeaderMap } from "../../stores/header-map";
import { ResponseFlag } from "../../stores/stream-info";
import type { Cluster } from "../clusters/cluster";
import { formatAddress } from "../clusters/cluster";
import type { PooledSocket } from "../clusters/connector";
import { openUpstream } from "../clusters/open-upstream";
import { UnsendableError } from "../clusters/request-writer";
import type { ResetReason, UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import type { ActiveStream } from "../downstream/active-stream";
import type { ConnectionManager } from "../downstream/connection-manager";
import { mutateHeaders } from "./header-mutation";
import { redirectLocation } from "./redirect";
import { type ClusterAction, rewriteHost, rewriteRequest } from "./request-rewrite";
import type { Route } from "./route";
import { Shadows } from "./shadow";

/** What a reset before the response headers means to the client. */
const RESETS: Readonly<Record<ResetReason, { status: number; flag: ResponseFlag }>> = {
  "remote connection failure": { status: 503, flag: ResponseFlag.UpstreamConnectionFailure },
  "connection timeout": { status: 503, flag: ResponseFlag.UpstreamConnectionFailure },
  "connection termination": { status: 503, flag: ResponseFlag.UpstreamConnectionTermination },
  "protocol error": { status: 502, flag: ResponseFlag.UpstreamProtocolError },
  "remote reset": { status: 503, flag: ResponseFlag.UpstreamRemoteReset },
  "remote refused stream reset": { status: 503, flag: ResponseFlag.UpstreamRemoteReset },
  overflow: { status: 503, flag: ResponseFlag.UpstreamOverflow },
};

const words = (text: string) => text.replaceAll(" ", "_");

/** The last filter of every chain: finds the route and carries the request to a host of its cluster. */
export class Router implements UpstreamEvents {
  private upstream: UpstreamStream | undefined;
  private cluster: Cluster | undefined;
  private route: Route | undefined;
  private timeoutMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private responseStarted = false;
  /** When the whole request had been sent; service time counts from here. */
  private sentAt: number | undefined;
  private paused = false;
  private shadows: Shadows | undefined;
  /** When a connection was asked for, monotonic. */
  private askedAt = 0n;

  constructor(
    private readonly stream: ActiveStream,
    private readonly manager: ConnectionManager,
  ) {}

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    const { stats } = this.manager;
    stats.rq_total.inc();
    const route = this.stream.info.currentRoute();
    this.route = route;
    if (!route) {
      stats.no_route.inc();
      this.stream.localReply({
        status: 404,
        body: "",
        details: "route_not_found",
        flags: ResponseFlag.NoRouteFound,
      });
      return;
    }
    const { action } = route.config;
    if (action.kind === "cluster") this.forward(route, action, headers, endStream);
    else if (action.kind === "redirect") {
      stats.rq_direct_response.inc();
      const location = redirectLocation(action, route.rewritePath, headers);
      this.direct(route, action.code, "", [["location", location]]);
    } else {
      stats.rq_direct_response.inc();
      this.direct(route, action.status, action.body, []);
    }
  }

  private reply(
    status: number,
    body: string | Buffer,
    details: string,
    flags = 0,
    headers: readonly (readonly [string, string])[] = [],
  ): void {
    this.stream.localReply({ status, body, headers, details, flags });
  }

  /** A redirect or direct response; these carry their route's headers after their own. */
  private direct(
    route: Route,
    status: number,
    body: string | Buffer,
    own: readonly (readonly [string, string])[],
  ): void {
    const headers = HeaderMap.of("response", own);
    this.mutateResponse(route, headers);
    this.reply(status, body, "direct_response", 0, [...headers]);
  }

  private mutateResponse(route: Route, headers: HeaderMap): void {
    mutateHeaders(headers, route.responseHeaders);
  }

  /** Local replies of routes that lead to a cluster; the other kinds see to themselves. */
  decorateLocalReply(headers: HeaderMap): void {
    const route = this.stream.info.knownRoute;
    if (route?.config.action.kind === "cluster") this.mutateResponse(route, headers);
  }

  private forward(route: Route, action: ClusterAction, headers: HeaderMap, endStream: boolean): void {
    const { info } = this.stream;
    const cluster = this.manager.clusters.get(route.cluster ?? "");
    if (!cluster) {
      this.manager.stats.no_cluster.inc();
      this.reply(action.notFoundStatus, "", "cluster_not_found", ResponseFlag.NoClusterFound);
      return;
    }
    this.cluster = cluster;
    const host = cluster.pick();
    if (!host) {
      cluster.stats.upstream_cx_none_healthy.inc();
      cluster.codes.count(503);
      this.reply(503, "no healthy upstream", "no_healthy_upstream", ResponseFlag.NoHealthyUpstream);
      return;
    }
    this.timeoutMs = action.timeoutMs;
    const envoyHeaders = !this.manager.suppressEnvoyHeaders;
    rewriteRequest(route, action, headers, envoyHeaders);
    if (route.hostRewrite?.kind === "auto" && host.hostname !== "")
      rewriteHost(headers, host.hostname, action, envoyHeaders);
    if (cluster.refuses()) {
      this.onUpstreamReset("overflow", "");
      return;
    }
    if (action.mirrors.length > 0)
      this.shadows = new Shadows(action.mirrors, headers, endStream, this.manager.clusters);
    info.hostChosen(host);
    this.askedAt = this.manager.clock.monotonic();
    try {
      this.upstream = openUpstream(cluster, host, headers, endStream, this);
    } catch (error) {
      if (!(error instanceof UnsendableError)) throw error;
      const details = `filter_removed_required_request_headers{${words(error.message)}}`;
      this.reply(503, error.message, details, ResponseFlag.DownstreamProtocolError);
      return;
    }
    if (endStream) this.onRequestComplete();
  }

  decodeData(chunk: Buffer, endStream: boolean): void {
    this.shadows?.write(chunk);
    if (endStream) this.shadows?.end();
    if (!this.upstream) return;
    if (!this.upstream.write(chunk)) this.stream.holdForUpstream(true);
    if (!endStream) return;
    this.upstream.end();
    this.onRequestComplete();
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.shadows?.end(trailers);
    if (!this.upstream) return;
    this.upstream.end(trailers);
    this.onRequestComplete();
  }

  /** The route timeout counts from here. */
  private onRequestComplete(): void {
    this.sentAt = performance.now();
    if (this.timeoutMs > 0 && this.upstream) this.timer = setTimeout(onTimeout, this.timeoutMs, this);
  }

  onTimeout(): void {
    const { upstream, cluster } = this;
    if (!upstream || !cluster) return;
    upstream.cancel();
    this.upstream = undefined;
    cluster.stats.upstream_rq_timeout.inc();
    upstream.host.stats.rq_timeout.inc();
    upstream.host.stats.rq_error.inc();
    this.stream.info.responseFlags |= ResponseFlag.UpstreamRequestTimeout;
    if (this.responseStarted) {
      this.stream.resetStream("response_timeout");
      return;
    }
    cluster.codes.count(504);
    this.reply(504, "upstream request timeout", "response_timeout", ResponseFlag.UpstreamRequestTimeout);
  }

  // --- UpstreamEvents

  onUpstreamReady(socket: PooledSocket): void {
    const { info } = this.stream;
    const { upstream } = info;
    info.upstreamRequestStart = this.manager.clock.monotonic();
    upstream.poolReadyDuration = info.upstreamRequestStart - this.askedAt;
    upstream.localAddress = formatAddress(socket.localAddress ?? "", socket.localPort ?? 0);
    upstream.tls = socket.tlsFacts;
  }

  onUpstreamInformation(status: number): void {
    this.cluster?.codes.count(status);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const { stream, manager, cluster, route, upstream } = this;
    if (!cluster || !route || !upstream) return;
    this.responseStarted = true;
    const status = Number(headers.get(":status"));
    cluster.codes.count(status);
    const { rq_error, rq_success } = upstream.host.stats;
    (status >= 500 ? rq_error : rq_success).inc();
    if (!manager.suppressEnvoyHeaders && this.sentAt !== undefined) {
      headers.set("x-envoy-upstream-service-time", String(Math.floor(performance.now() - this.sentAt)));
    }
    this.mutateResponse(route, headers);
    stream.info.responseCodeDetails = "via_upstream";
    if (endStream) this.complete();
    stream.chain.responseHeaders(headers, endStream);
  }

  onUpstreamData(chunk: Buffer, endStream: boolean): void {
    if (endStream) this.complete();
    this.stream.chain.responseData(chunk, endStream);
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    this.complete();
    this.stream.chain.responseTrailers(trailers);
  }

  private complete(): void {
    clearTimeout(this.timer);
    this.stream.info.upstreamResponseEnd = this.manager.clock.monotonic();
    if (this.sentAt !== undefined) this.cluster?.codes.time(Math.floor(performance.now() - this.sentAt));
    this.upstream = undefined;
  }

  onUpstreamReset(reason: ResetReason, detail: string): void {
    const { stream, manager, cluster, upstream } = this;
    clearTimeout(this.timer);
    this.upstream = undefined;
    upstream?.host.stats.rq_error.inc();
    const { status, flag } = RESETS[reason];
    stream.info.upstream.poolReadyDuration ??= manager.clock.monotonic() - this.askedAt;
    const cause = detail === "" ? "" : `|${words(detail)}`;
    if (this.responseStarted) {
      stream.info.responseFlags |= flag;
      stream.info.responseCodeDetails = `upstream_reset_after_response_started{${words(reason)}}`;
      stream.resetStream(stream.info.responseCodeDetails);
      return;
    }
    cluster?.codes.count(status);
    const connectError = flag === ResponseFlag.UpstreamConnectionFailure;
    if (connectError && detail !== "") stream.info.upstream.transportFailureReason = detail;
    this.reply(
      status,
      `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`,
      `upstream_reset_before_response_started{${words(reason)}${connectError ? cause : ""}}`,
      flag,
      reason === "overflow" ? [["x-envoy-overloaded", "true"]] : [],
    );
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
    clearTimeout(this.timer);
    this.shadows?.drop();
    const { upstream } = this;
    this.upstream = undefined;
    upstream?.cancel();
  }
}

function onTimeout(router: Router): void {
  try {
    router.onTimeout();
  } catch (error) {
    router.onUpstreamBug(error);
  }
}
