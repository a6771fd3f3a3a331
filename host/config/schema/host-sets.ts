import * as z from "zod";
import { address, locality, metadata } from "./common";
import { endpointCheck } from "./health-check";
import { message, oneOf, rule } from "./message";
import { bool, enumeration, percent, requiredText, text, u32 } from "./scalars";

const atLeastOne = u32.refine((n) => n > 0, "must be at least 1").meta({ type: "uint32" });

const endpoint = message(
  { endpoint: message({ address }, { hostname: text, health_check_config: endpointCheck }) },
  {
    metadata,
    health_status: enumeration({
      0: "UNKNOWN",
      1: "HEALTHY",
      2: "UNHEALTHY",
      3: "DRAINING",
      4: "TIMEOUT",
      5: "DEGRADED",
    }),
    load_balancing_weight: atLeastOne,
  },
);

const MAX_PRIORITY = 128;

const MAX_WEIGHT = 4_294_967_295;

interface RawWeights {
  endpoints?: {
    priority?: unknown;
    load_balancing_weight?: unknown;
    lb_endpoints?: { load_balancing_weight?: unknown }[];
  }[];
}

/** Envoy says so of policies that go by hashes; who has such weights means something else in any case. */
const weightsFit = rule<RawWeights>(({ endpoints }, fail) => {
  if (!Array.isArray(endpoints)) return;
  const hosts = new Map<unknown, number>();
  const localities = new Map<unknown, number>();
  const add = (sums: Map<unknown, number>, priority: unknown, weight: unknown, otherwise: number) =>
    sums.set(priority, (sums.get(priority) ?? 0) + (typeof weight === "number" ? weight : otherwise));
  for (const group of endpoints) {
    const priority = group?.priority ?? 0;
    add(localities, priority, group?.load_balancing_weight, 0);
    if (!Array.isArray(group?.lb_endpoints)) continue;
    for (const host of group.lb_endpoints) add(hosts, priority, host?.load_balancing_weight, 1);
  }
  for (const sums of [hosts, localities])
    if ([...sums.values()].some((sum) => sum > MAX_WEIGHT))
      fail(`weights of one priority add up to more than ${MAX_WEIGHT}`, ["endpoints"]);
});

/** `ClusterLoadAssignment`: a cluster's hosts by locality and priority. */
export const loadAssignment = message(
  { cluster_name: requiredText },
  {
    endpoints: z.array(
      message(
        {},
        {
          locality,
          metadata,
          lb_endpoints: z.array(endpoint),
          load_balancing_weight: atLeastOne,
          priority: u32
            .refine((n) => n <= MAX_PRIORITY, `must not be greater than ${MAX_PRIORITY}`)
            .meta({ type: "uint32" }),
        },
      ),
    ),
    policy: message({}, { overprovisioning_factor: atLeastOne, weighted_priority_health: bool }),
  },
).check(weightsFit);

/** `type.v3.Percent` */
export const percentage = message({}, { value: percent });

/** How localities share the traffic of a priority: one of these or none. */
export const LOCALITIES = {
  locality_weighted_lb_config: message({}, {}),
  // Without a cluster that stands for the proxies themselves Envoy prefers no zone, as here.
  zone_aware_lb_config: message(
    {},
    { routing_enabled: percentage, min_cluster_size: u32, fail_traffic_on_panic: bool },
  ),
};

export const HASHING = { consistent_hashing_lb_config: message({}, { use_hostname_for_hashing: bool }) };

/** `common_lb_config` */
export const commonLb = message(
  {},
  {
    healthy_panic_threshold: percentage,
    ignore_new_hosts_until_first_hc: bool,
    close_connections_on_host_set_change: bool,
    ...LOCALITIES,
    ...HASHING,
  },
).check(oneOf(Object.keys(LOCALITIES), "optional"));
