import type { HeaderMap } from "../../stores/header-map";
import { isGrpc } from "../../stream/local-reply";
import { grpcTimeout, readGrpcTimeout } from "../grpc-timeout";
import type { ClusterAction } from "./request-rewrite";
import { readWhole, takeOrders } from "./router-orders";

const EXPECTED = "x-envoy-expected-rq-timeout-ms";

const OTHER_ORDERS: ReadonlySet<string> = new Set([
  "upstream-rq-per-try-timeout-ms",
  "upstream-stream-duration-ms",
  "upstream-rq-timeout-alt-response",
  // Hedging and stats under another name are not there; Envoy takes these orders off as well.
  "hedge-on-per-try-timeout",
  "upstream-alt-stat-name",
]);
/** This one stays on when it counts for nothing (observed). */
const ORDERS: ReadonlySet<string> = new Set(["upstream-rq-timeout-ms", ...OTHER_ORDERS]);

/** The limits of one request in milliseconds, 0 = none, and what else follows from its headers. */
export interface RequestLimits {
  /** For all attempts together, from when the whole request is there. */
  readonly requestMs: number;
  /** For the response of one attempt to begin. */
  readonly attemptMs: number;
  /** For an attempt's response to go on. */
  readonly attemptIdleMs: number;
  /** Milliseconds for one attempt, in place of the cluster's. */
  readonly streamMs: number | undefined;
  /** An answer that comes too late is 204 in place of 504. */
  readonly altResponse: boolean;
  /** The host is told by `grpc-timeout`, too. */
  readonly tellGrpc: boolean;
}

/** How the router filter is configured. */
export interface RouterOptions {
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedTimeout: boolean;
}

/** The limits of a route, unless the request's own headers, which are taken off, order others. */
export function requestLimits(
  action: ClusterAction,
  headers: HeaderMap,
  options: RouterOptions,
): RequestLimits {
  const { retry, timeouts } = action;
  const grpc = isGrpc(headers);
  const tellGrpc = grpc && !timeouts.maxStream && timeouts.maxGrpcMs !== undefined;
  // Another hop's word counts more than an order; it stays, as what is told to the host.
  const expected = options.respectExpectedTimeout ? headers.get(EXPECTED) : undefined;
  const orders = takeOrders(headers, expected === undefined ? ORDERS : OTHER_ORDERS);
  const order = expected ?? orders.get("upstream-rq-timeout-ms");
  const requestMs = readWhole(order) ?? routeTimeout(action, headers, grpc);
  const attemptMs = readWhole(orders.get("upstream-rq-per-try-timeout-ms")) ?? retry?.perTryTimeoutMs ?? 0;
  return {
    requestMs,
    attemptMs: requestMs > 0 && attemptMs >= requestMs ? 0 : attemptMs,
    attemptIdleMs: retry?.perTryIdleTimeoutMs ?? 0,
    streamMs: readWhole(orders.get("upstream-stream-duration-ms")),
    altResponse: orders.has("upstream-rq-timeout-alt-response"),
    tellGrpc,
  };
}

function routeTimeout({ timeoutMs, timeouts }: ClusterAction, headers: HeaderMap, grpc: boolean): number {
  const { maxStream, maxGrpcMs, grpcOffsetMs = 0 } = timeouts;
  if (maxStream) return 0;
  if (!grpc || maxGrpcMs === undefined) return timeoutMs;
  // 0 is no limit here, and stays that.
  const asked = readGrpcTimeout(headers.get("grpc-timeout")) ?? 0;
  const wanted = grpcOffsetMs < asked ? asked - grpcOffsetMs : asked;
  return maxGrpcMs !== 0 && (wanted === 0 || wanted > maxGrpcMs) ? maxGrpcMs : wanted;
}

/** Tells the host how long its answer is waited for. @param elapsed milliseconds since the request was complete */
export function tellLimits(
  { requestMs, attemptMs, tellGrpc }: RequestLimits,
  headers: HeaderMap,
  elapsed: number,
  { suppressEnvoyHeaders }: RouterOptions,
): void {
  let expected = attemptMs === 0 ? requestMs : attemptMs;
  if (expected === 0) return;
  // Out of time is not for ever.
  if (requestMs > 0) expected = elapsed >= requestMs ? 1 : Math.min(expected, requestMs - elapsed);
  if (!suppressEnvoyHeaders) headers.set(EXPECTED, String(expected));
  if (tellGrpc) headers.set("grpc-timeout", grpcTimeout(expected));
}
