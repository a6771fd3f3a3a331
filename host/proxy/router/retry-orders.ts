import type { HeaderMatcherConfig, RetryPolicy } from "../../config/model";
import { RETRY_GRPC_ON, RETRY_ON } from "../../config/retry-conditions";
import type { HeaderMap } from "../../stores/header-map";
import { headerMatcher } from "./matchers";
import { type Orders, readWhole, takeOrders } from "./router-orders";

const ORDERS: ReadonlySet<string> = new Set([
  "retry-on",
  "retry-grpc-on",
  "max-retries",
  "retriable-status-codes",
  "retriable-header-names",
]);

/** Conditions, by the header that may order them. */
const CONDITIONS: Readonly<Record<"retry-on" | "retry-grpc-on", ReadonlySet<string>>> = {
  "retry-on": new Set(RETRY_ON),
  "retry-grpc-on": new Set(RETRY_GRPC_ON),
};

/** What a route that says nothing of retries leaves to a request's orders. */
const NO_POLICY: RetryPolicy = {
  on: new Set(),
  retries: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  avoidPreviousHosts: false,
  hostSelectionAttempts: 1,
  statusCodes: new Set(),
  headers: [],
  requestHeaders: [],
  backOff: { base: 25, max: 250 },
};

/** The policy for one request: the route's, and what the request's own headers, which are taken off, add to it. */
export function retryPolicy(route: RetryPolicy | undefined, headers: HeaderMap): RetryPolicy | undefined {
  const orders = takeOrders(headers, ORDERS);
  const policy = orders.size === 0 ? route : ordered(route ?? NO_POLICY, orders);
  if (!policy || policy.on.size === 0) return undefined;
  const { requestHeaders } = policy;
  if (requestHeaders.length > 0 && !requestHeaders.some((each) => headerMatcher(each)(headers)))
    return undefined;
  return policy;
}

function ordered(policy: RetryPolicy, orders: Orders): RetryPolicy {
  const on = [...conditions("retry-on", orders), ...conditions("retry-grpc-on", orders)];
  const codes = words(orders.get("retriable-status-codes")).map(readWhole);
  return {
    ...policy,
    on: new Set([...policy.on, ...on]),
    retries: readWhole(orders.get("max-retries")) ?? policy.retries,
    statusCodes: new Set([...policy.statusCodes, ...codes.filter((code) => code !== undefined)]),
    headers: [...policy.headers, ...words(orders.get("retriable-header-names")).map(presence)],
  };
}

function conditions(name: keyof typeof CONDITIONS, orders: Orders): string[] {
  return words(orders.get(name)).filter((word) => CONDITIONS[name].has(word));
}

function words(list: string | undefined): string[] {
  return (list ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

const presence = (name: string): HeaderMatcherConfig => ({
  name: name.toLowerCase(),
  kind: "present",
  value: "",
  present: true,
  range: { start: 0, end: 0 },
  ignoreCase: false,
  invert: false,
  treatMissingAsEmpty: false,
});
