import type { RouteAction } from "../../config/model";
import type { FormatScope } from "../../formatter/scope";
import type { HeaderMap } from "../../stores/header-map";
import { mutateHeaders } from "./header-mutation";
import { type Route, rewriteTarget } from "./route";

export type ClusterAction = Extract<RouteAction, { kind: "cluster" }>;

/** Everything a route does to a request before it leaves, in Envoy's order. */
export function rewriteRequest(
  route: Route,
  action: ClusterAction,
  headers: HeaderMap,
  envoyHeaders: boolean,
  scope: FormatScope,
): void {
  mutateHeaders(headers, route.requestHeaders, scope);
  if (route.clusterHost !== undefined) headers.set(":authority", route.clusterHost);
  const host = newHost(route, headers);
  if (host !== undefined) rewriteHost(headers, host, action, envoyHeaders);
  if (!route.rewritePath) return;
  const was = headers.get(":path") ?? "/";
  if (envoyHeaders) headers.set("x-envoy-original-path", was);
  headers.set(":path", rewriteTarget(was, route.rewritePath));
}

/** The host's name that a rewrite asks for; `auto` is known once a host is chosen. */
function newHost({ hostRewrite, hostFromPath }: Route, headers: HeaderMap): string | undefined {
  if (hostRewrite?.kind === "literal") return hostRewrite.value;
  if (hostRewrite?.kind === "header") return headers.get(hostRewrite.name) || undefined;
  return hostFromPath?.((headers.get(":path") ?? "").replace(/\?.*/s, ""));
}

/** Puts another authority in place, and keeps the old one where the next hop can see it. */
export function rewriteHost(
  headers: HeaderMap,
  host: string,
  { appendForwardedHost }: ClusterAction,
  envoyHeaders: boolean,
): void {
  const was = headers.get(":authority");
  if (was && appendForwardedHost) {
    const before = headers.get("x-forwarded-host") ?? "";
    // The last one in the list is not written down twice (observed).
    if (before.split(",").at(-1) !== was) headers.add("x-forwarded-host", was);
  }
  if (was !== undefined && envoyHeaders) headers.set("x-envoy-original-host", was);
  headers.set(":authority", host);
}
