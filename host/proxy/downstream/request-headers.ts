import { randomUUID } from "node:crypto";
import type { HeaderMap } from "../../stores/header-map";
import type { Refusal } from "./refusal";

/** Orders to the router from an internal hop. Nothing is internal unless configured so: removed from every request. */
export const INTERNAL_HEADERS: readonly string[] = [
  "x-envoy-internal",
  "x-envoy-retriable-status-codes",
  "x-envoy-retriable-header-names",
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-stream-duration-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-force-trace",
  "x-envoy-ip-tags",
  "x-envoy-original-url",
  "x-envoy-hedge-on-per-try-timeout",
];

/** Makes sure of what every request carries through the chain. */
export function completeRequestHeaders(headers: HeaderMap, secure: boolean): void {
  if (!headers.has("x-forwarded-proto")) headers.set("x-forwarded-proto", secure ? "https" : "http");
  if (!headers.get("x-request-id")) headers.set("x-request-id", randomUUID());
}

/** What is wrong with a path, once the codec has taken it. */
export function pathError(path: string): Refusal | undefined {
  if (path.charCodeAt(0) !== 47) return refused(404, "absolute_path_rejected");
  if (path.includes("#")) return refused(400, "path_normalization_failed");
  return undefined;
}

/** A refusal by the connection manager. */
export function refused(status: number, details: string): Refusal {
  return { status, details, codec: false };
}

/** Characters of a host and port, user information included. */
export const AUTHORITY = /^[A-Za-z0-9\-._~%!$&'()*+,;=:@[\]]*$/;
