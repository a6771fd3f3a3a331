/** `lb_subset_config`: a route's `metadata_match` chooses among hosts by their `envoy.lb` metadata. */
export interface SubsetsConfig {
  /** Where a request goes that no subset is for. */
  fallback: SubsetFallback;
  /** Fields of `envoy.lb` that the hosts of DEFAULT_SUBSET have. */
  defaultSubset: Record<string, unknown>;
  selectors: SubsetSelector[];
  /** Localities of a subset share its traffic by their weights, in so far as they do in the cluster. */
  localityWeightAware: boolean;
  /** Then a locality weighs less when fewer of its hosts are in the subset. */
  scaleLocalityWeight: boolean;
  /** When the fallback has no host, any host will do. */
  panicModeAny: boolean;
  /** A host whose value is a list is in the subset of each of its items. */
  listAsAny: boolean;
  /** `fallback_list` of a route names values to try one after the other. */
  fallbackList: boolean;
  /** A route may ask for more than a selector has keys. */
  allowRedundantKeys: boolean;
}

export type SubsetFallback = "NO_FALLBACK" | "ANY_ENDPOINT" | "DEFAULT_SUBSET";

/** Hosts with the same values of all `keys` make a subset. */
export interface SubsetSelector {
  /** In the order of the alphabet, each once. */
  keys: string[];
  /** Of several hosts with the same values only the first counts. */
  singleHost: boolean;
  /** Where a request goes that asks for these keys and finds no host; NOT_DEFINED = as the whole cluster has it. */
  fallback: SubsetFallback | "NOT_DEFINED" | "KEYS_SUBSET";
  /** The keys that KEYS_SUBSET asks for. */
  fallbackKeys: string[];
}
