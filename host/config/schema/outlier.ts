import { message, rule } from "./message";
import { bool, duration, durationMs, durationWithin, u32 } from "./scalars";

const percent = u32.refine((n) => n <= 100, "must not be greater than 100").meta({ type: "uint32" });
const time = durationWithin(1e-6, Number.POSITIVE_INFINITY, "must be greater than 0s");

const DEFAULT_BASE_MS = 30_000;

/** Envoy compares only what is written: without a maximum there is one that is never too small. */
const order = rule<{ base_ejection_time?: string; max_ejection_time?: string }>((value, fail) => {
  const { base_ejection_time: base, max_ejection_time: max } = value;
  if (typeof max !== "string") return;
  if (Math.floor(durationMs(max)) < Math.floor(typeof base === "string" ? durationMs(base) : DEFAULT_BASE_MS))
    fail("must not be smaller than base_ejection_time", ["max_ejection_time"]);
});

/** `OutlierDetection`: hosts that misbehave get no requests for a while. */
export const outlierDetection = message(
  {},
  {
    consecutive_5xx: u32,
    interval: time,
    base_ejection_time: time,
    max_ejection_percent: percent,
    enforcing_consecutive_5xx: percent,
    enforcing_success_rate: percent,
    success_rate_minimum_hosts: u32,
    success_rate_request_volume: u32,
    success_rate_stdev_factor: u32,
    consecutive_gateway_failure: u32,
    enforcing_consecutive_gateway_failure: percent,
    split_external_local_origin_errors: bool,
    consecutive_local_origin_failure: u32,
    enforcing_consecutive_local_origin_failure: percent,
    enforcing_local_origin_success_rate: percent,
    failure_percentage_threshold: percent,
    enforcing_failure_percentage: percent,
    enforcing_failure_percentage_local_origin: percent,
    failure_percentage_minimum_hosts: u32,
    failure_percentage_request_volume: u32,
    max_ejection_time: time,
    max_ejection_time_jitter: duration,
    successful_active_health_check_uneject_host: bool,
    always_eject_one_host: bool,
    detect_degraded_hosts: bool,
  },
).check(order);
