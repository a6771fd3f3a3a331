import type * as z from "zod";
import type { OutlierConfig } from "../model/outlier";
import type { outlierDetection } from "../schema/outlier";
import { durationMs } from "../schema/scalars";

const wholeMs = (text: string | undefined, fallback: number) =>
  text === undefined ? fallback : Math.floor(durationMs(text));

/** `outlier_detection` with Envoy's defaults; `{}` is a configuration, too. */
export function convertOutlier(raw: z.output<typeof outlierDetection>): OutlierConfig {
  const baseEjectionMs = wholeMs(raw.base_ejection_time, 30_000);
  return {
    intervalMs: wholeMs(raw.interval, 10_000),
    baseEjectionMs,
    maxEjectionMs: wholeMs(raw.max_ejection_time, Math.max(300_000, baseEjectionMs)),
    maxEjectionJitterMs: wholeMs(raw.max_ejection_time_jitter, 0),
    maxEjectionPercent: raw.max_ejection_percent ?? 10,
    alwaysEjectOneHost: raw.always_eject_one_host ?? false,
    consecutive5xx: raw.consecutive_5xx ?? 5,
    consecutiveGatewayFailure: raw.consecutive_gateway_failure ?? 5,
    consecutiveLocalOriginFailure: raw.consecutive_local_origin_failure ?? 5,
    splitOrigins: raw.split_external_local_origin_errors ?? false,
    enforcing: {
      consecutive_5xx: raw.enforcing_consecutive_5xx ?? 100,
      consecutive_gateway_failure: raw.enforcing_consecutive_gateway_failure ?? 0,
      consecutive_local_origin_failure: raw.enforcing_consecutive_local_origin_failure ?? 100,
      success_rate: raw.enforcing_success_rate ?? 100,
      local_origin_success_rate: raw.enforcing_local_origin_success_rate ?? 100,
      failure_percentage: raw.enforcing_failure_percentage ?? 0,
      local_origin_failure_percentage: raw.enforcing_failure_percentage_local_origin ?? 0,
    },
    successRate: {
      minimumHosts: raw.success_rate_minimum_hosts ?? 5,
      requestVolume: raw.success_rate_request_volume ?? 100,
      stdevFactor: raw.success_rate_stdev_factor ?? 1900,
    },
    failurePercentage: {
      threshold: raw.failure_percentage_threshold ?? 85,
      minimumHosts: raw.failure_percentage_minimum_hosts ?? 5,
      requestVolume: raw.failure_percentage_request_volume ?? 50,
    },
    detectDegraded: raw.detect_degraded_hosts ?? false,
    healthCheckUnejects: raw.successful_active_health_check_uneject_host ?? true,
  };
}
