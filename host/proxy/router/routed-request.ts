import type { HeaderMap } from "../../stores/header-map";
import type { Cluster, Host } from "../clusters/cluster";
import type { ResponseCodeStats } from "../clusters/cluster-stats";
import type { ActiveStream } from "../downstream/active-stream";
import type { ConnectionManager } from "../downstream/connection-manager";
import { restorePort } from "../downstream/edge/host";
import { type ClusterAction, rewriteHost } from "./request-rewrite";
import type { Route } from "./route";
import { setUpstreamScheme } from "./upstream-scheme";

/** A request with the place it goes to. */
export interface RoutedRequest {
  readonly cluster: Cluster;
  readonly route: Route;
  readonly action: ClusterAction;
  readonly headers: HeaderMap;
  /** What counts its answers: those to requests from inside are counted apart. */
  readonly codes: ResponseCodeStats;
}

/** What is left to do to a request's headers once its first host is known. */
export function addressRequest(
  { cluster, route, action, headers }: RoutedRequest,
  host: Host,
  stream: ActiveStream,
  { config, router }: ConnectionManager,
): void {
  setUpstreamScheme(headers, config.edge.schemeOfUpstream, cluster.tls !== undefined);
  if (route.hostRewrite?.kind === "auto" && host.hostname !== "")
    rewriteHost(headers, host.hostname, action, !router.suppressEnvoyHeaders);
  restorePort(headers, stream.info.connectPort);
}

/** Counts a host's answer that is passed on, and tells of it. @param serviceMs since the whole request was sent */
export function takeAnswer(
  headers: HeaderMap,
  status: number,
  { codes }: RoutedRequest,
  host: Host,
  stream: ActiveStream,
  serviceMs: number | undefined,
): void {
  codes.count(status);
  const { rq_error, rq_success } = host.stats;
  (status >= 500 ? rq_error : rq_success).inc();
  if (serviceMs !== undefined) headers.set("x-envoy-upstream-service-time", String(serviceMs));
  stream.info.responseCode = status;
  stream.info.responseCodeDetails = "via_upstream";
}
