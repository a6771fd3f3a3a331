import type { BodyFormat } from "../../config/model";
import { HeaderMap } from "../../stores/header-map";
import { ResponseFlag } from "../../stores/stream-info";
import type { ActiveStream } from "../downstream/active-stream";
import type { ConnectionManager } from "../downstream/connection-manager";
import { formatBody } from "../downstream/local-replies";
import { ClusterExchange } from "./cluster-exchange";
import { mutateHeaders } from "./header-mutation";
import { ownLocation, redirectLocation } from "./redirect";
import type { ClusterAction } from "./request-rewrite";
import { decorateResponse } from "./response-headers";
import type { Route } from "./route";

/** The last filter of every chain: finds the route, and answers itself or carries the request to a cluster. */
export class Router {
  private exchange: ClusterExchange | undefined;

  constructor(
    private readonly stream: ActiveStream,
    private readonly manager: ConnectionManager,
  ) {}

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    const { stats } = this.manager;
    stats.rq_total.inc();
    const route = this.stream.currentRoute();
    if (!route) {
      stats.no_route.inc();
      this.reply(404, "route_not_found", ResponseFlag.NoRouteFound);
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
      const { status, body, bodyFormat } = action;
      // Whoever says "created" or "elsewhere" says where: here (observed).
      const located = status === 201 || (status >= 300 && status < 400);
      const own: [string, string][] = located ? [["location", ownLocation(headers)]] : [];
      this.direct(route, status, body, own, bodyFormat);
    }
  }

  private reply(status: number, details: string, flags: number): void {
    this.stream.localReply({ status, body: "", details, flags });
  }

  /** A redirect or direct response; these carry their route's headers after their own. */
  private direct(
    route: Route,
    status: number,
    body: string | Buffer,
    own: readonly (readonly [string, string])[],
    format?: BodyFormat,
  ): void {
    const { info } = this.stream;
    const headers = HeaderMap.of("response", [[":status", String(status)], ...own]);
    info.responseHeaders = headers;
    info.responseCodeDetails = "direct_response";
    mutateHeaders(headers, route.responseHeaders, this.stream);
    if (format) headers.set("content-type", format.contentType);
    const made = format ? formatBody(format, Buffer.from(body), this.stream) : body;
    this.stream.localReply({ status, body: made, headers: [...headers], details: "direct_response" });
  }

  /** Local replies of routes that lead to a cluster; the other kinds see to themselves. */
  decorateLocalReply(headers: HeaderMap): void {
    const route = this.stream.info.knownRoute;
    if (route?.config.action.kind === "cluster") decorateResponse(route, headers, this.stream);
  }

  private forward(route: Route, action: ClusterAction, headers: HeaderMap, endStream: boolean): void {
    const { manager } = this;
    const cluster = manager.clusters.get(route.cluster ?? "");
    if (!cluster) {
      manager.stats.no_cluster.inc();
      this.reply(action.notFoundStatus, "cluster_not_found", ResponseFlag.NoClusterFound);
      return;
    }
    const internal = headers.get("x-envoy-internal") === "true";
    const codes = internal ? cluster.callCodes : cluster.codes;
    const request = { cluster, route, action, headers, codes };
    this.exchange = new ClusterExchange(this.stream, manager, request);
    this.exchange.start(endStream);
  }

  decodeData(chunk: Buffer, endStream: boolean): void {
    this.exchange?.decodeData(chunk, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.exchange?.decodeTrailers(trailers);
  }

  pauseResponse(paused: boolean): void {
    this.exchange?.pauseResponse(paused);
  }

  /** The stream ended, or a filter answered by itself: whatever is still under way is dropped. */
  cancel(): void {
    this.exchange?.cancel();
  }
}
