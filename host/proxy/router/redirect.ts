import type { RouteAction } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { Rewriter } from "./regex-rewrite";

type Redirect = Extract<RouteAction, { kind: "redirect" }>;

const DEFAULT_PORT: Readonly<Record<string, string>> = { http: ":80", https: ":443" };

/** The `location` a redirect route sends a request to. */
export function redirectLocation(
  action: Redirect,
  rewritePath: Rewriter | undefined,
  headers: HeaderMap,
): string {
  const was = headers.get("x-forwarded-proto") ?? "http";
  const scheme = action.schemeRedirect ?? (action.httpsRedirect ? "https" : was);
  const path = target(action, rewritePath, headers);
  // What a rewrite leaves must not go on with the host's name: it would be another one's.
  const slash = path.startsWith("/") ? "" : "/";
  return `${scheme}://${location(action, scheme, was, headers)}${slash}${path}`;
}

/** `port_redirect` counts only while the host stays; a scheme change drops the old scheme's own port. */
function location(action: Redirect, scheme: string, was: string, headers: HeaderMap): string {
  if (action.hostRedirect !== undefined) return action.hostRedirect;
  const authority = headers.get(":authority") ?? "";
  if (action.portRedirect !== undefined) {
    return `${authority.replace(/:\d*$/, "")}:${action.portRedirect}`;
  }
  const port = DEFAULT_PORT[was];
  return scheme !== was && port !== undefined && authority.endsWith(port)
    ? authority.slice(0, -port.length)
    : authority;
}

function target(action: Redirect, rewritePath: Rewriter | undefined, headers: HeaderMap): string {
  const full = headers.get(":path") ?? "/";
  const mark = full.indexOf("?");
  const query = mark < 0 || action.stripQuery ? "" : full.slice(mark);
  const path = mark < 0 ? full : full.slice(0, mark);
  if (action.pathRedirect !== undefined) {
    // A path with a query of its own keeps that one.
    return action.pathRedirect.includes("?") ? action.pathRedirect : action.pathRedirect + query;
  }
  return (rewritePath ? rewritePath(path) : path) + query;
}

/** The URL of the request itself. */
export function ownLocation(headers: HeaderMap): string {
  const get = (name: string) => headers.get(name) ?? "";
  return `${get("x-forwarded-proto")}://${get(":authority")}${get(":path")}`;
}
