import type { BalancingConfig, SlowStartConfig } from "../model";
import type { RawCluster } from "../schema/bootstrap";
import { durationMs } from "../schema/scalars";
import { percentOr } from "./host-sets";

const MINIMUM_PERCENT = 10;

/** How a cluster's hosts are chosen. */
export function convertBalancing(raw: RawCluster): BalancingConfig {
  const { lb_policy: policy = "ROUND_ROBIN", least_request_lb_config: least } = raw;
  const slowStart = policy === "LEAST_REQUEST" ? least?.slow_start_config : undefined;
  return {
    // Requests of an ORIGINAL_DST cluster name their hosts; what LOAD_BALANCING_POLICY_CONFIG means has been put in its place.
    policy:
      policy === "CLUSTER_PROVIDED" || policy === "LOAD_BALANCING_POLICY_CONFIG" ? "ROUND_ROBIN" : policy,
    choices: least?.choice_count ?? 2,
    activeRequestBias: sensible(
      least?.active_request_bias && (least.active_request_bias.default_value ?? 0),
      (value) => value >= 0,
    ),
    minimumRing: raw.ring_hash_lb_config?.minimum_ring_size ?? 1024,
    maximumRing: raw.ring_hash_lb_config?.maximum_ring_size ?? 8_388_608,
    tableSize: raw.maglev_lb_config?.table_size ?? 65_537,
    useHostname: raw.common_lb_config?.consistent_hashing_lb_config?.use_hostname_for_hashing ?? false,
    slowStart: convertSlowStart(
      policy === "ROUND_ROBIN" ? raw.round_robin_lb_config?.slow_start_config : slowStart,
    ),
  };
}

/** What makes no sense is as if it were not there: 1. */
function sensible(value: number | undefined, isSensible: (value: number) => boolean): number {
  return value !== undefined && isSensible(value) ? value : 1;
}

type RawSlowStart = NonNullable<NonNullable<RawCluster["round_robin_lb_config"]>["slow_start_config"]>;

function convertSlowStart(raw: RawSlowStart | undefined): SlowStartConfig | undefined {
  const windowMs = Math.floor(durationMs(raw?.slow_start_window ?? "0s"));
  if (!raw || windowMs === 0) return undefined;
  return {
    windowMs,
    aggression: sensible(raw.aggression?.default_value, (value) => value > 0),
    minimumShare: percentOr(raw.min_weight_percent, MINIMUM_PERCENT) / 100,
  };
}
