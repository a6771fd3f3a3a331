import type { HeaderMap } from "../../stores/header-map";

const NAME = ":scheme";

const isHttp = (scheme: string | undefined): scheme is string => scheme === "http" || scheme === "https";

/** Sees to it that a request leaves with a scheme of HTTP: the upstream's own (`match_upstream`), or the one it came with. */
export function setUpstreamScheme(headers: HeaderMap, matchUpstream: boolean, tls: boolean): void {
  if (matchUpstream) headers.set(NAME, tls ? "https" : "http");
  else if (!isHttp(headers.get(NAME))) {
    const forwarded = headers.get("x-forwarded-proto")?.toLowerCase();
    headers.set(NAME, isHttp(forwarded) ? forwarded : "http");
  }
}
