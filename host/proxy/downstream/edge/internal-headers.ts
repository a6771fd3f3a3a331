import type { HeaderMap } from "../../../stores/header-map";

/** Orders to the proxy that only a request from inside may give. */
const INTERNAL: ReadonlySet<string> = new Set([
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
]);

/** What a client says of itself; a hop inside may be believed. */
const ORIGIN: ReadonlySet<string> = new Set([
  "x-envoy-decorator-operation",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-original-path",
  "x-envoy-original-host",
]);

/** Takes from a request what its client may not say. `outside`: it comes straight from there. */
export function dropInternalHeaders(headers: HeaderMap, outside: boolean): void {
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (!name.startsWith("x-envoy-")) continue;
    if (!INTERNAL.has(name) && !(outside && ORIGIN.has(name))) continue;
    headers.remove(name);
    i--;
  }
}
