import type { RawCluster } from "../schema/bootstrap";

type RawPolicy = NonNullable<RawCluster["load_balancing_policy"]>;
type RawConfig = RawPolicy["policies"][number]["typed_extension_config"]["typed_config"];

const NAMES = {
  RoundRobin: "ROUND_ROBIN",
  LeastRequest: "LEAST_REQUEST",
  Random: "RANDOM",
  RingHash: "RING_HASH",
  Maglev: "MAGLEV",
} as const;

/** A cluster whose `load_balancing_policy` is said the older way, by `lb_policy` and the fields around it. */
export function inOldForm(raw: RawCluster): RawCluster {
  const config = raw.load_balancing_policy?.policies[0]?.typed_extension_config.typed_config;
  if (!config || isOf(config, "ClusterProvided")) return raw;
  const bare: RawCluster = {
    ...raw,
    least_request_lb_config: undefined,
    ring_hash_lb_config: undefined,
    maglev_lb_config: undefined,
    round_robin_lb_config: undefined,
  };
  if (!isOf(config, "Subset")) return choosing(bare, config);
  const { subset_lb_policy: inner, "@type": _, ...subsets } = config;
  const chosen = choosing(bare, inner.policies[0]!.typed_extension_config.typed_config);
  return { ...chosen, lb_subset_config: subsets };
}

type Named<N extends string> = Extract<RawConfig, { "@type": `${string}.${N}` }>;

function isOf<N extends string>(config: RawConfig, name: N): config is Named<N> {
  return config["@type"].endsWith(`.${name}`);
}

function choosing(raw: RawCluster, config: Named<keyof typeof NAMES>): RawCluster {
  const name = config["@type"].replace(/.*\./, "") as keyof typeof NAMES;
  const localities =
    "locality_lb_config" in config
      ? config.locality_lb_config
      : "locality_weighted_lb_config" in config
        ? { locality_weighted_lb_config: config.locality_weighted_lb_config }
        : undefined;
  const hashing = "consistent_hashing_lb_config" in config ? config.consistent_hashing_lb_config : undefined;
  return {
    ...raw,
    lb_policy: NAMES[name],
    common_lb_config: { ...raw.common_lb_config, ...localities, consistent_hashing_lb_config: hashing },
    ...(isOf(config, "RoundRobin") && { round_robin_lb_config: config }),
    ...(isOf(config, "LeastRequest") && { least_request_lb_config: config }),
    ...(isOf(config, "RingHash") && { ring_hash_lb_config: { ...config, hash_function: undefined } }),
    ...(isOf(config, "Maglev") && { maglev_lb_config: config }),
  };
}
