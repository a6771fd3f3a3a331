/**
 * Headers Envoy keeps in one slot: adding a second value joins the two with a comma instead of making a second line.
 * Observed on Envoy 1.40 (reference: proxy-wasm ABI text, section 6).
 */
const BOTH = [
  "x-envoy-attempt-count",
  "x-envoy-decorator-operation",
  "x-envoy-upstream-service-time",
  "x-request-id",
  "transfer-encoding",
  "content-type",
  "content-length",
  "connection",
  "keep-alive",
  "proxy-connection",
  "upgrade",
  "via",
  "cache-control",
  "content-encoding",
];

export const INLINE_REQUEST: ReadonlySet<string> = new Set([
  ...BOTH,
  ":authority",
  ":path",
  ":method",
  ":scheme",
  ":protocol",
  "user-agent",
  "te",
  "expect",
  "x-client-trace-id",
  "grpc-timeout",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-client-cert",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-external-address",
  "x-envoy-force-trace",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-internal",
  "x-envoy-ip-tags",
  "x-envoy-is-timeout-retry",
  "x-envoy-max-retries",
  "x-envoy-original-host",
  "x-envoy-original-path",
  "x-envoy-original-url",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-retry-grpc-on",
  "x-envoy-retry-on",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-stream-duration-ms",
  "accept",
  "accept-encoding",
  "authorization",
  "origin",
  "referer",
  "cdn-loop",
  "if-none-match",
  "access-control-request-headers",
  "access-control-request-method",
  "access-control-request-private-network",
]);

export const INLINE_RESPONSE: ReadonlySet<string> = new Set([
  ...BOTH,
  ":status",
  "date",
  "server",
  "location",
  "etag",
  "vary",
  "grpc-status",
  "grpc-message",
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-allow-private-network",
  "access-control-expose-headers",
  "access-control-max-age",
  "x-envoy-degraded",
  "x-envoy-immediate-health-check-fail",
  "x-envoy-is-canary",
  "x-envoy-ratelimited",
  "x-envoy-upstream-canary",
  "x-envoy-upstream-healthchecked-cluster",
]);

const NONE: ReadonlySet<string> = new Set();

/** What a header map carries; decides which names are inline and whether `host` means `:authority`. */
export type HeaderMapKind = "request" | "response" | "request-trailers" | "response-trailers";

const RESPONSE_TRAILERS: ReadonlySet<string> = new Set(["grpc-status", "grpc-message"]);

export const INLINE_BY_KIND: Readonly<Record<HeaderMapKind, ReadonlySet<string>>> = {
  request: INLINE_REQUEST,
  response: INLINE_RESPONSE,
  "request-trailers": NONE,
  "response-trailers": RESPONSE_TRAILERS,
};
