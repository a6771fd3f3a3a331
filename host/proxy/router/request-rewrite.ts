import type { HeaderMutation, RouteAction } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import { mutateHeaders } from "./header-mutation";
import { rewritePrefix } from "./redirect";
import type { Route } from "./route-table";

export type ClusterAction = Extract<RouteAction, { kind: "cluster" }>;

/** Everything a route does to a request before it leaves, in Envoy's order. */
export function rewriteRequest(
  route: Route,
  action: ClusterAction,
  headers: HeaderMap,
  levels: readonly HeaderMutation[],
  envoyHeaders: boolean,
): void {
  if (envoyHeaders && action.timeoutMs > 0) {
    headers.set("x-envoy-expected-rq-timeout-ms", String(action.timeoutMs));
  }
  mutateHeaders(headers, levels);
  if (action.hostRewriteLiteral !== undefined) {
    const was = headers.get(":authority");
    if (envoyHeaders && was !== undefined) headers.set("x-envoy-original-host", was);
    headers.set(":authority", action.hostRewriteLiteral);
  }
  if (action.prefixRewrite !== undefined) {
    const was = headers.get(":path") ?? "/";
    const mark = was.indexOf("?");
    const path = mark < 0 ? was : was.slice(0, mark);
    const query = mark < 0 ? "" : was.slice(mark);
    if (envoyHeaders) headers.set("x-envoy-original-path", was);
    headers.set(":path", rewritePrefix(route.config, path, action.prefixRewrite) + query);
  }
}
