import * as z from "zod";
import { RETRY_GRPC_ON, RETRY_ON } from "../retry-conditions";
import { message, rule, typed } from "./message";
import { duration, durationMs, durationWithin, percent, requiredText, text, u32 } from "./scalars";

const CONDITIONS: readonly string[] = [...RETRY_ON, ...RETRY_GRPC_ON];

export const splitRetryOn = (value: string) =>
  value
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

const retryOn = text
  .superRefine((value, context) => {
    for (const word of splitRetryOn(value)) {
      if (CONDITIONS.includes(word)) continue;
      const message = `"${word}" is no condition (Envoy would pass over it); there are ${CONDITIONS.join(", ")}`;
      context.issues.push({ code: "custom", message, input: value });
    }
  })
  .meta({ type: "string" });

const PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";

const backOffOrder = rule<{ base_interval?: unknown; max_interval?: unknown }>((value, fail) => {
  const { base_interval: base, max_interval: max } = value;
  if (typeof base === "string" && typeof max === "string" && durationMs(max) < durationMs(base))
    fail("must not be less than base_interval", ["max_interval"]);
});

const positive = durationWithin(0.000_001, Number.POSITIVE_INFINITY, "must be greater than 0s");

/** Instead of a fixed number of retries at one time. */
export const retryBudget = message(
  {},
  { budget_percent: message({}, { value: percent }), min_retry_concurrency: u32 },
);

/** `RetryPolicy` */
export const retryPolicy = <H extends z.ZodType>(headerMatchers: H) =>
  message(
    {},
    {
      retry_on: retryOn,
      num_retries: u32,
      per_try_timeout: duration,
      per_try_idle_timeout: duration,
      retry_host_predicate: z.array(
        message({ name: requiredText }, { typed_config: typed(PREVIOUS_HOSTS, {}, {}) }),
      ),
      host_selection_retry_max_attempts: u32,
      retriable_status_codes: z.array(u32),
      retriable_headers: headerMatchers,
      retriable_request_headers: headerMatchers,
      retry_back_off: message({ base_interval: positive }, { max_interval: positive }).check(backOffOrder),
    },
  );
