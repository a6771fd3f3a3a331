import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";
import { ConfigError } from "../../../host/errors";

const HELLO = readFileSync(new URL("../../../examples/hello/envoy.yaml", import.meta.url), "utf8");

/** The hello example whose cluster has these fields more; what is wrong with it, without its place in the file. */
function refusal(fields: string): string[] {
  try {
    parseBootstrap(HELLO.replace("type: STATIC", `type: STATIC\n      ${fields}`), "f.yaml");
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

const CLUSTER = "static_resources.clusters[0]";
const SELECTOR = `${CLUSTER}.lb_subset_config.subset_selectors[0]`;
const selector = (fields: string) => `lb_subset_config: { subset_selectors: [{ keys: [a, b], ${fields} }] }`;

test.each([
  ["common_lb_config: { healthy_panic_threshold: { value: 12.5 } }", []],
  [
    "common_lb_config: { healthy_panic_threshold: { value: 101 } }",
    [`${CLUSTER}.common_lb_config.healthy_panic_threshold.value: expected a number from 0 to 100, got 101`],
  ],
  [
    "common_lb_config: { locality_weighted_lb_config: {}, zone_aware_lb_config: {} }",
    [
      `${CLUSTER}.common_lb_config.zone_aware_lb_config: locality_weighted_lb_config and zone_aware_lb_config cannot both be set`,
    ],
  ],
  [selector("fallback_policy: KEYS_SUBSET, fallback_keys_subset: [a]"), []],
  [selector("fallback_policy: KEYS_SUBSET"), [`${SELECTOR}: KEYS_SUBSET needs fallback_keys_subset`]],
  [
    selector("fallback_policy: KEYS_SUBSET, fallback_keys_subset: [c]"),
    [`${SELECTOR}.fallback_keys_subset: must be some of the selector's keys`],
  ],
  [
    selector("fallback_policy: KEYS_SUBSET, fallback_keys_subset: [b, a]"),
    [`${SELECTOR}.fallback_keys_subset: must not be all of the selector's keys`],
  ],
  [
    selector("fallback_keys_subset: [a]"),
    [`${SELECTOR}.fallback_keys_subset: is of use only with the fallback_policy KEYS_SUBSET`],
  ],
])("%s", (fields, expected) => {
  expect(refusal(fields)).toEqual(expected);
});
