import type { SubsetsConfig } from "../model";
import type { RawCluster } from "../schema/bootstrap";

const sorted = (keys: readonly string[]) => [...new Set(keys)].sort();

type RawSubsets = NonNullable<RawCluster["lb_subset_config"]> & {
  allow_redundant_keys?: boolean | undefined;
};

/** Undefined: without selectors there are no subsets, whatever else is said of them. */
export function convertSubsets(raw: RawSubsets): SubsetsConfig | undefined {
  const selectors = raw.subset_selectors ?? [];
  if (selectors.length === 0) return undefined;
  return {
    fallback: raw.fallback_policy ?? "NO_FALLBACK",
    defaultSubset: raw.default_subset ?? {},
    selectors: selectors.map((selector) => ({
      keys: sorted(selector.keys ?? []),
      singleHost: selector.single_host_per_subset ?? false,
      fallback: selector.fallback_policy ?? "NOT_DEFINED",
      fallbackKeys: sorted(selector.fallback_keys_subset ?? []),
    })),
    localityWeightAware: raw.locality_weight_aware ?? false,
    scaleLocalityWeight: raw.scale_locality_weight ?? false,
    panicModeAny: raw.panic_mode_any ?? false,
    listAsAny: raw.list_as_any ?? false,
    fallbackList: raw.metadata_fallback_policy === "FALLBACK_LIST",
    allowRedundantKeys: raw.allow_redundant_keys ?? false,
  };
}
