import type { HeaderMatcherConfig, RetryBudget, RetryPolicy } from "../model";
import type { RawRouteConfig } from "../schema/bootstrap";
import { splitRetryOn } from "../schema/retry";
import { durationMs } from "../schema/scalars";
import { wholeMs } from "./timeouts";

type RawHost = NonNullable<RawRouteConfig["virtual_hosts"]>[number];
type RawPolicy = NonNullable<RawHost["retry_policy"]>;
type RawHeader = NonNullable<RawPolicy["retriable_headers"]>[number];

const DEFAULT_BASE_MS = 25;

interface RawBudget {
  budget_percent?: { value?: number | undefined } | undefined;
  min_retry_concurrency?: number | undefined;
}

export function convertBudget(raw: RawBudget | undefined): RetryBudget | undefined {
  return (
    raw && {
      percent: raw.budget_percent ? (raw.budget_percent.value ?? 0) : 20,
      minConcurrency: raw.min_retry_concurrency ?? 3,
    }
  );
}

/** A policy without conditions retries nothing. */
export function convertRetry(
  raw: RawPolicy | undefined,
  header: (raw: RawHeader) => HeaderMatcherConfig,
): RetryPolicy | undefined {
  if (!raw) return undefined;
  const { retry_back_off: backOff } = raw;
  const base = backOff ? durationMs(backOff.base_interval) : DEFAULT_BASE_MS;
  return {
    on: new Set(splitRetryOn(raw.retry_on ?? "")),
    retries: raw.num_retries ?? 1,
    perTryTimeoutMs: wholeMs(raw.per_try_timeout) ?? 0,
    perTryIdleTimeoutMs: wholeMs(raw.per_try_idle_timeout) ?? 0,
    avoidPreviousHosts: (raw.retry_host_predicate ?? []).length > 0,
    hostSelectionAttempts: raw.host_selection_retry_max_attempts ?? 1,
    statusCodes: new Set(raw.retriable_status_codes ?? []),
    headers: (raw.retriable_headers ?? []).map(header),
    requestHeaders: (raw.retriable_request_headers ?? []).map(header),
    backOff: {
      base,
      max: backOff?.max_interval === undefined ? 10 * base : durationMs(backOff.max_interval),
    },
  };
}
