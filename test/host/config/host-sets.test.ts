import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";
import { ConfigError } from "../../../host/errors";

const HELLO = readFileSync(new URL("../../../examples/hello/envoy.yaml", import.meta.url), "utf8");

/** What is wrong with a file, without its place. */
function issuesOf(file: string): string[] {
  try {
    parseBootstrap(file, "f.yaml");
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
  [
    "load_assignment: { cluster_name: a, endpoints: [{ load_balancing_weight: 4294967295 }, { load_balancing_weight: 1 }] }",
    [`${CLUSTER}.load_assignment.endpoints: weights of one priority add up to more than 4294967295`],
  ],
  [
    "load_assignment: { cluster_name: a, endpoints: [{ load_balancing_weight: 4294967295 }, { priority: 1, load_balancing_weight: 1 }] }",
    [],
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
  ["original_dst_lb_config: { use_http_header: true }", []],
  [
    "lb_policy: CLUSTER_PROVIDED",
    [`${CLUSTER}.lb_policy: CLUSTER_PROVIDED is for clusters of type ORIGINAL_DST`],
  ],
])("%s", (fields, expected) => {
  // A file has one load_assignment.
  const bare = fields.startsWith("load_assignment")
    ? HELLO.replace(/ {6}load_assignment:\n( {8,}.*\n)+/, "")
    : HELLO;
  expect(issuesOf(bare.replace("type: STATIC", `type: STATIC\n      ${fields}`))).toEqual(expected);
});

const PACKAGE = "type.googleapis.com/envoy.extensions.load_balancing_policies";
const policy = (type: string) =>
  `load_balancing_policy: { policies: [{ typed_extension_config: { name: p, typed_config: { "@type": ${PACKAGE}.${type} } } }] }`;
const INSTEAD = "load_balancing_policy has fields of its own for this";

test.each([
  [policy("round_robin.v3.RoundRobin"), []],
  [
    "lb_policy: LOAD_BALANCING_POLICY_CONFIG",
    [`${CLUSTER}.lb_policy: LOAD_BALANCING_POLICY_CONFIG needs load_balancing_policy`],
  ],
  [
    `${policy("random.v3.Random")}\n      common_lb_config: { locality_weighted_lb_config: {} }`,
    [`${CLUSTER}.common_lb_config.locality_weighted_lb_config: ${INSTEAD}`],
  ],
  [`${policy("random.v3.Random")}\n      lb_subset_config: {}`, [`${CLUSTER}.lb_subset_config: ${INSTEAD}`]],
  [
    "load_balancing_policy: { policies: [] }",
    [`${CLUSTER}.load_balancing_policy.policies: needs at least one policy`],
  ],
  [
    policy("cluster_provided.v3.ClusterProvided"),
    [
      `${CLUSTER}.load_balancing_policy.policies: ClusterProvided is for clusters of type ORIGINAL_DST, which take no other`,
    ],
  ],
])("%s", (fields, expected) => {
  expect(issuesOf(HELLO.replace("type: STATIC", `type: STATIC\n      ${fields}`))).toEqual(expected);
});

test.each([
  [
    "lb_policy: CLUSTER_PROVIDED",
    `${CLUSTER}.type: Node has no SO_ORIGINAL_DST: where a redirected connection was meant to go is not known; the node engine takes it from a header (original_dst_lb_config.use_http_header)`,
  ],
  [
    "original_dst_lb_config: { use_http_header: true }",
    `${CLUSTER}.lb_policy: an ORIGINAL_DST cluster needs lb_policy: CLUSTER_PROVIDED`,
  ],
  [
    "lb_policy: CLUSTER_PROVIDED, original_dst_lb_config: { use_http_header: true }, load_assignment: { cluster_name: a }",
    `${CLUSTER}.load_assignment: an ORIGINAL_DST cluster has no hosts of its own`,
  ],
  [
    "lb_policy: CLUSTER_PROVIDED, original_dst_lb_config: { use_http_header: true }, lb_subset_config: { subset_selectors: [{ keys: [a] }] }",
    `${CLUSTER}.lb_subset_config: an ORIGINAL_DST cluster has no subsets`,
  ],
  [
    "lb_policy: CLUSTER_PROVIDED, original_dst_lb_config: { use_http_header: true, metadata_key: {} }",
    `${CLUSTER}.original_dst_lb_config.metadata_key: not supported by the node engine`,
  ],
])("ORIGINAL_DST, %s", (fields, message) => {
  const file = `static_resources: { clusters: [{ name: app, type: ORIGINAL_DST, ${fields} }] }`;
  expect(issuesOf(file)).toEqual([message]);
});
