import type { RetryBudget, RetryPolicy } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { Cluster } from "../clusters/cluster";
import type { ResetReason } from "../clusters/upstream-events";
import { headerMatcher } from "./matchers";

/** What is to happen to an attempt that has failed. `no`: it is passed on as it is. */
export type RetryDecision = "retry" | "no" | "limit exceeded" | "overflow";

const GATEWAY_ERRORS: ReadonlySet<number> = new Set([502, 503, 504]);
const GRPC: Readonly<Record<string, string>> = {
  "1": "cancelled",
  "4": "deadline-exceeded",
  "8": "resource-exhausted",
  "13": "internal",
  "14": "unavailable",
};
const CONNECTING: ReadonlySet<ResetReason> = new Set(["remote connection failure", "connection timeout"]);

/** An attempt that took longer than it may counts as the proxy's own reset. */
export type AttemptFailure = ResetReason | "local reset";

type HeaderTest = (headers: HeaderMap) => boolean;

/** Only so many retries of a cluster may be under way at one time: a part of its requests where it has a budget. */
function mayRetry(budget: RetryBudget | undefined, { resources }: Cluster): boolean {
  const { retries, requests, pending } = resources;
  if (!budget) return retries.hasRoom;
  const part = Math.floor((budget.percent / 100) * (requests.count + pending.count));
  return retries.count < Math.max(part, budget.minConcurrency);
}

/** The retries of one request: whether, how often, and after how long (https://www.envoyproxy.io/docs: RetryPolicy). */
export class RetryState {
  private left: number;
  /** Retries so far. */
  private made = 0;
  private holdsPlace = false;
  private readonly headerTests: readonly HeaderTest[];

  constructor(
    private readonly policy: RetryPolicy,
    private readonly cluster: Cluster,
    private readonly random: () => number = Math.random,
  ) {
    this.left = policy.retries;
    this.headerTests = policy.on.has("retriable-headers") ? policy.headers.map(headerMatcher) : [];
  }

  /** A response has begun. */
  onHeaders(headers: HeaderMap): RetryDecision {
    return this.decide(this.wantsHeaders(headers));
  }

  /** There will be no response. @param begun something of the request is on a connection already */
  onReset(reason: AttemptFailure, begun: boolean): RetryDecision {
    return this.decide(this.wantsReset(reason, begun));
  }

  private wantsHeaders(headers: HeaderMap): boolean {
    const { on, statusCodes } = this.policy;
    // Rate limits are for going away, unless the policy says otherwise.
    if (headers.has("x-envoy-ratelimited")) return on.has("envoy-ratelimited");
    const status = Number(headers.get(":status"));
    if (on.has("5xx") && status >= 500 && status < 600) return true;
    if (on.has("gateway-error") && GATEWAY_ERRORS.has(status)) return true;
    if (on.has("retriable-4xx") && status === 409) return true;
    if (on.has("retriable-status-codes") && statusCodes.has(status)) return true;
    if (this.headerTests.some((test) => test(headers))) return true;
    const grpc = GRPC[headers.get("grpc-status") ?? ""];
    return grpc !== undefined && on.has(grpc);
  }

  private wantsReset(reason: AttemptFailure, begun: boolean): boolean {
    const { on } = this.policy;
    if (reason === "overflow") return false;
    if (on.has("reset") || on.has("5xx") || on.has("gateway-error")) return true;
    if (on.has("reset-before-request") && !begun) return true;
    if (on.has("refused-stream") && reason === "remote refused stream reset") return true;
    return on.has("connect-failure") && CONNECTING.has(reason as ResetReason);
  }

  private decide(wanted: boolean): RetryDecision {
    const { stats, config } = this.cluster;
    if (!wanted) {
      if (this.made > 0) stats.upstream_rq_retry_success.inc();
      return "no";
    }
    this.release();
    if (this.left === 0) {
      stats.upstream_rq_retry_limit_exceeded.inc();
      return "limit exceeded";
    }
    this.left--;
    if (!mayRetry(config.retryBudget, this.cluster)) {
      stats.upstream_rq_retry_overflow.inc();
      return "overflow";
    }
    this.made++;
    this.holdsPlace = true;
    this.cluster.resources.retries.take();
    return "retry";
  }

  /** The wait is over: only now Envoy counts. */
  begins(): void {
    const { stats } = this.cluster;
    stats.upstream_rq_retry.inc();
    stats.upstream_rq_retry_backoff_exponential.inc();
  }

  /** Milliseconds until the next attempt: a random part of an interval that doubles. */
  get delay(): number {
    const { base, max } = this.policy.backOff;
    return Math.floor(this.random() * Math.min(base * 2 ** (this.made - 1), max));
  }

  /** The retry is over, or will not come: others may have its place. */
  release(): void {
    if (!this.holdsPlace) return;
    this.holdsPlace = false;
    this.cluster.resources.retries.give();
  }
}
