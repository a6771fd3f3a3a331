import type { EndpointConfig, HostSetsConfig, Locality } from "../model";
import type { RawCluster } from "../schema/bootstrap";
import { convertEndpointCheck } from "./health-check";

type RawGroup = NonNullable<NonNullable<RawCluster["load_assignment"]>["endpoints"]>[number];
type RawLocality = NonNullable<RawGroup["locality"]>;

export const convertLocality = (raw: RawLocality | undefined): Locality => ({
  region: raw?.region ?? "",
  zone: raw?.zone ?? "",
  subZone: raw?.sub_zone ?? "",
});

/** Envoy's default: 72 % of the hosts can do the work of all. */
const OVERPROVISIONING = 140;
const PANIC_THRESHOLD = 50;

/** A message that is there and says nothing is 0. */
export function percentOr(raw: { value?: number | undefined } | undefined, otherwise: number): number {
  return raw ? (raw.value ?? 0) : otherwise;
}

/** How a cluster's hosts are grouped; `local` is where the proxy itself is. */
export function convertHostSets(raw: RawCluster, local: Locality): HostSetsConfig {
  const { load_assignment: assignment, common_lb_config: common } = raw;
  return {
    overprovisioningFactor: assignment?.policy?.overprovisioning_factor ?? OVERPROVISIONING,
    weightedPriorityHealth: assignment?.policy?.weighted_priority_health ?? false,
    // Envoy counts in whole percent.
    panicThreshold: Math.round(percentOr(common?.healthy_panic_threshold, PANIC_THRESHOLD)),
    failTrafficOnPanic: common?.zone_aware_lb_config?.fail_traffic_on_panic ?? false,
    localityWeighted: common?.locality_weighted_lb_config !== undefined,
    localLocality: local,
  };
}

/** The hosts that a file names. */
export function convertEndpoints(raw: RawCluster): EndpointConfig[] {
  const groups = (raw.load_assignment?.endpoints ?? []).map((group) => ({
    group,
    priority: group.priority ?? 0,
    locality: convertLocality(group.locality),
  }));
  const weights = new Map<string, number>();
  const keyOf = (priority: number, locality: Locality) => JSON.stringify([priority, locality]);
  // Of a locality that stands there twice the last weight counts; without a name there is none.
  for (const { group, priority, locality } of groups)
    if (group.locality !== undefined && group.load_balancing_weight !== undefined)
      weights.set(keyOf(priority, locality), group.load_balancing_weight);
  return groups.flatMap(({ group, priority, locality }) =>
    (group.lb_endpoints ?? []).map(
      ({ endpoint, metadata, load_balancing_weight: weight, health_status: health }) => ({
        address: endpoint.address.socket_address.address,
        port: endpoint.address.socket_address.port_value ?? 0,
        hostname: endpoint.hostname ?? "",
        weight: weight ?? 1,
        metadata: metadata?.filter_metadata,
        locality,
        localityMetadata: group.metadata?.filter_metadata,
        localityWeight: weights.get(keyOf(priority, locality)) ?? 0,
        priority,
        health: health ?? "UNKNOWN",
        check: convertEndpointCheck(endpoint.health_check_config),
      }),
    ),
  );
}
