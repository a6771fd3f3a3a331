import type { EndpointHealth } from "../../config/model/host-sets";

/** What may be wrong with a host; several at a time. Whoever finds out sets and clears its own. */
export const HealthFlag = {
  FailedActiveHc: 1 << 0,
  FailedOutlierCheck: 1 << 1,
  FailedEdsHealth: 1 << 2,
  DegradedActiveHc: 1 << 3,
  DegradedEdsHealth: 1 << 4,
  PendingDynamicRemoval: 1 << 5,
  PendingActiveHc: 1 << 6,
  ExcludedViaImmediateHcFail: 1 << 7,
  ActiveHcTimeout: 1 << 8,
  EdsStatusDraining: 1 << 9,
  DegradedOutlierDetection: 1 << 10,
} as const;

export type HealthFlag = (typeof HealthFlag)[keyof typeof HealthFlag];

/** In the order in which `/clusters` lists them; the names are `/clusters`' too, and its JSON's. */
const NAMES: readonly (readonly [HealthFlag, string])[] = [
  [HealthFlag.FailedActiveHc, "failed_active_hc"],
  [HealthFlag.FailedOutlierCheck, "failed_outlier_check"],
  [HealthFlag.FailedEdsHealth, "failed_eds_health"],
  [HealthFlag.DegradedActiveHc, "degraded_active_hc"],
  [HealthFlag.DegradedEdsHealth, "degraded_eds_health"],
  [HealthFlag.PendingDynamicRemoval, "pending_dynamic_removal"],
  [HealthFlag.PendingActiveHc, "pending_active_hc"],
  [HealthFlag.ExcludedViaImmediateHcFail, "excluded_via_immediate_hc_fail"],
  [HealthFlag.ActiveHcTimeout, "active_hc_timeout"],
  [HealthFlag.EdsStatusDraining, "eds_status_draining"],
  [HealthFlag.DegradedOutlierDetection, "degraded_outlier_detection"],
];

const UNHEALTHY =
  HealthFlag.FailedActiveHc |
  HealthFlag.FailedOutlierCheck |
  HealthFlag.FailedEdsHealth |
  HealthFlag.EdsStatusDraining;
const DEGRADED =
  HealthFlag.DegradedActiveHc | HealthFlag.DegradedEdsHealth | HealthFlag.DegradedOutlierDetection;
const EXCLUDED =
  HealthFlag.PendingActiveHc | HealthFlag.ExcludedViaImmediateHcFail | HealthFlag.EdsStatusDraining;

/** What all flags together come to. */
export type Health = "healthy" | "degraded" | "unhealthy";

export function healthOf(flags: number): Health {
  if ((flags & UNHEALTHY) !== 0) return "unhealthy";
  return (flags & DEGRADED) !== 0 ? "degraded" : "healthy";
}

/** The host does not count where shares of healthy hosts are worked out. */
export function isExcluded(flags: number): boolean {
  return (flags & EXCLUDED) !== 0;
}

/** The names of the flags that are set. */
export function flagNames(flags: number): string[] {
  return NAMES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
}

/** What an endpoint's `health_status` sets. */
export const ENDPOINT_FLAGS: Readonly<Record<EndpointHealth, number>> = {
  UNKNOWN: 0,
  HEALTHY: 0,
  UNHEALTHY: HealthFlag.FailedEdsHealth,
  DRAINING: HealthFlag.EdsStatusDraining,
  TIMEOUT: HealthFlag.FailedEdsHealth,
  DEGRADED: HealthFlag.DegradedEdsHealth,
};
