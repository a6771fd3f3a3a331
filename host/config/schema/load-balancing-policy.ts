import * as z from "zod";
import { leastRequest, maglevTable, ringOrder, ringSize, slowStart } from "./balancing";
import { HASHING, LOCALITIES } from "./host-sets";
import { message, oneOf, rule, typed, unknownType } from "./message";
import { bool, enumeration, requiredText } from "./scalars";
import { SUBSETS } from "./subsets";

const PACKAGE = "envoy.extensions.load_balancing_policies";
const localities = message({}, LOCALITIES).check(oneOf(Object.keys(LOCALITIES), "optional"));
const { locality_weighted_lb_config } = LOCALITIES;

const CHOOSING = [
  typed(
    `${PACKAGE}.round_robin.v3.RoundRobin`,
    {},
    { slow_start_config: slowStart, locality_lb_config: localities },
  ),
  typed(`${PACKAGE}.least_request.v3.LeastRequest`, {}, { ...leastRequest, locality_lb_config: localities }),
  typed(`${PACKAGE}.random.v3.Random`, {}, { locality_lb_config: localities }),
  typed(
    `${PACKAGE}.ring_hash.v3.RingHash`,
    {},
    {
      hash_function: enumeration({ 0: "DEFAULT_HASH", 1: "XX_HASH", 2: "MURMUR_HASH_2" }, [
        "DEFAULT_HASH",
        "XX_HASH",
      ]),
      minimum_ring_size: ringSize,
      maximum_ring_size: ringSize,
      ...HASHING,
      locality_weighted_lb_config,
    },
  ).check(ringOrder),
  typed(
    `${PACKAGE}.maglev.v3.Maglev`,
    {},
    { table_size: maglevTable, ...HASHING, locality_weighted_lb_config },
  ),
] as const;

const error = unknownType(
  `${PACKAGE}.round_robin.v3.RoundRobin, .least_request.v3.LeastRequest, .random.v3.Random, .ring_hash.v3.RingHash, .maglev.v3.Maglev, and, not in a subset, .subset.v3.Subset and .cluster_provided.v3.ClusterProvided`,
);

/** `LoadBalancingPolicy` of these; Envoy takes the first that it knows. */
function policies<T extends z.ZodType>(config: T) {
  const policy = message(
    { typed_extension_config: message({ name: requiredText, typed_config: config }, {}) },
    {},
  );
  return message({ policies: z.array(policy).min(1, "needs at least one policy") }, {});
}

/** `load_balancing_policy` */
export const loadBalancingPolicy = policies(
  z.discriminatedUnion(
    "@type",
    [
      ...CHOOSING,
      typed(
        `${PACKAGE}.subset.v3.Subset`,
        {
          subset_selectors: SUBSETS.subset_selectors.min(1, "needs at least one selector"),
          subset_lb_policy: policies(z.discriminatedUnion("@type", CHOOSING, { error })),
        },
        { ...SUBSETS, allow_redundant_keys: bool },
      ),
      typed(`${PACKAGE}.cluster_provided.v3.ClusterProvided`, {}, {}),
    ],
    { error },
  ),
);

interface RawParts {
  type?: string;
  lb_policy?: string;
  lb_subset_config?: unknown;
  common_lb_config?: Record<string, unknown>;
  load_balancing_policy?: {
    policies?: { typed_extension_config?: { typed_config?: { "@type"?: unknown } } }[];
  };
}

const OLD_FIELDS = ["zone_aware_lb_config", "locality_weighted_lb_config", "consistent_hashing_lb_config"];

/** What cannot be said in both the newer way and the older one. */
export const policyRules = rule<RawParts>((cluster, fail) => {
  const { load_balancing_policy: policy, common_lb_config: common } = cluster;
  if (policy === undefined) {
    if (cluster.lb_policy === "LOAD_BALANCING_POLICY_CONFIG")
      fail("LOAD_BALANCING_POLICY_CONFIG needs load_balancing_policy", ["lb_policy"]);
    return;
  }
  const instead = "load_balancing_policy has fields of its own for this";
  if (cluster.lb_subset_config !== undefined) fail(instead, ["lb_subset_config"]);
  for (const field of OLD_FIELDS)
    if (common?.[field] !== undefined) fail(instead, ["common_lb_config", field]);
  if (!Array.isArray(policy?.policies)) return;
  const type = policy.policies[0]?.typed_extension_config?.typed_config?.["@type"];
  const provided = typeof type === "string" && type.endsWith(".ClusterProvided");
  if (provided !== (cluster.type === "ORIGINAL_DST"))
    fail("ClusterProvided is for clusters of type ORIGINAL_DST, which take no other", [
      "load_balancing_policy",
      "policies",
    ]);
});
