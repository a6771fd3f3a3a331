import * as z from "zod";
import { message, rule } from "./message";
import { bool, enumeration, struct, text } from "./scalars";

interface RawSelector {
  keys?: string[];
  fallback_policy?: string;
  fallback_keys_subset?: string[];
}

const fallbackKeys = rule<RawSelector>((value, fail) => {
  const { fallback_keys_subset: fallback = [], keys = [] } = value;
  // Something odd is told by itself.
  if (!Array.isArray(fallback) || !Array.isArray(keys)) return;
  const refuse = (message: string) => fail(message, ["fallback_keys_subset"]);
  if (value.fallback_policy !== "KEYS_SUBSET") {
    if (fallback.length > 0) refuse("is of use only with the fallback_policy KEYS_SUBSET");
  } else if (fallback.length === 0) fail("KEYS_SUBSET needs fallback_keys_subset", [], "missing");
  else if (!fallback.every((key) => keys.includes(key))) refuse("must be some of the selector's keys");
  else if (new Set(fallback).size === new Set(keys).size) refuse("must not be all of the selector's keys");
});

const FALLBACKS = { 0: "NO_FALLBACK", 1: "ANY_ENDPOINT", 2: "DEFAULT_SUBSET" } as const;

const selector = message(
  {},
  {
    keys: z.array(text),
    single_host_per_subset: bool,
    fallback_policy: enumeration({
      0: "NOT_DEFINED",
      1: "NO_FALLBACK",
      2: "ANY_ENDPOINT",
      3: "DEFAULT_SUBSET",
      4: "KEYS_SUBSET",
    }),
    fallback_keys_subset: z.array(text),
  },
).check(fallbackKeys);

export const SUBSETS = {
  fallback_policy: enumeration(FALLBACKS),
  default_subset: struct,
  subset_selectors: z.array(selector),
  locality_weight_aware: bool,
  scale_locality_weight: bool,
  panic_mode_any: bool,
  list_as_any: bool,
  metadata_fallback_policy: enumeration({ 0: "METADATA_NO_FALLBACK", 1: "FALLBACK_LIST" }),
};

/** `lb_subset_config` */
export const subsets = message({}, SUBSETS);

interface Weighing {
  lb_subset_config?: { locality_weight_aware?: unknown };
  common_lb_config?: { locality_weighted_lb_config?: unknown };
}

/** Of a cluster: subsets can only mind weights that it minds itself. */
export const weighsLocalities = rule<Weighing>(
  ({ lb_subset_config: subsets, common_lb_config: common }, fail) => {
    if (subsets?.locality_weight_aware === true && !common?.locality_weighted_lb_config)
      fail("needs common_lb_config.locality_weighted_lb_config", [
        "lb_subset_config",
        "locality_weight_aware",
      ]);
  },
);
