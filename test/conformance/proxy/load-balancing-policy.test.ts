import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { conformance } from "../../support/conformance";
import {
  groupedHosts,
  type HostGroup,
  numberedHosts,
  spread,
  stats,
  times,
} from "../../support/numbered-hosts";

const hosts = await numberedHosts(4);
const PACKAGE = "type.googleapis.com/envoy.extensions.load_balancing_policies";

const policy = (type: string, config: Json = {}): Json => ({
  policies: [
    { typed_extension_config: { name: "p", typed_config: { "@type": `${PACKAGE}.${type}`, ...config } } },
  ],
});

/** `lb_policy` says something else: it is not asked. */
const by = (groups: readonly HostGroup[], type: string, config?: Json, more?: Json): Json =>
  groupedHosts(hosts, groups, { lb_policy: "RANDOM", load_balancing_policy: policy(type, config), ...more });

const ROUND_ROBIN = "round_robin.v3.RoundRobin";
const LOCALITIES: readonly HostGroup[] = [
  { hosts: "h", zone: "a", weight: 1 },
  { hosts: "hh", zone: "b", weight: 3 },
];
const WEIGHTED = { locality_weighted_lb_config: {} };
const hashed = (id: string) => [
  { match: { prefix: "/" }, route: { cluster: id, hash_policy: [{ header: { header_name: "x-key" } }] } },
];
const byKey = (i: number) => ({ headers: [["x-key", `key-${i}`]] as [string, string][] });

conformance("load_balancing_policy", (section) => {
  const { behaviour } = section;

  behaviour("RoundRobin", { cluster: by([{ hosts: "hhh" }], ROUND_ROBIN) }, async (b) => {
    const found = await spread(b, 30);
    expect([0, 1, 2].map((host) => times(found, host))).toEqual([10, 10, 10]);
  });

  behaviour(
    "RoundRobin with localities by weight",
    { cluster: by(LOCALITIES, ROUND_ROBIN, { locality_lb_config: WEIGHTED }) },
    async (b) => {
      const found = await spread(b, 80);
      expect(Math.abs(times(found, 0) - 20), String(times(found, 0))).toBeLessThanOrEqual(1);
    },
  );

  behaviour(
    "the panic threshold is the cluster's, what becomes of a panic the policy's",
    {
      cluster: by(
        [{ hosts: "huu" }],
        ROUND_ROBIN,
        { locality_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } } },
        { common_lb_config: { healthy_panic_threshold: { value: 34 } } },
      ),
    },
    async (b) => {
      expect(await spread(b, 4)).toEqual([-1, -1, -1, -1]);
      expect(await stats(section, b, "lb_healthy_panic")).toEqual([4]);
    },
  );

  for (const [type, config] of [
    ["least_request.v3.LeastRequest", { choice_count: 3 }],
    ["random.v3.Random", {}],
  ] as const)
    behaviour(type, { cluster: by([{ hosts: "hhh" }], type, config) }, async (b) => {
      const found = await spread(b, 150);
      for (const host of [0, 1, 2]) expect(times(found, host)).toBeGreaterThan(15);
    });

  // What each policy's own fields do is shown by the older form, which the newer is turned into.
  for (const [type, config, old] of [
    [
      "ring_hash.v3.RingHash",
      { minimum_ring_size: 16, maximum_ring_size: 64 },
      { lb_policy: "RING_HASH", ring_hash_lb_config: { minimum_ring_size: 16, maximum_ring_size: 64 } },
    ],
    [
      "maglev.v3.Maglev",
      { table_size: 251, ...WEIGHTED },
      {
        lb_policy: "MAGLEV",
        maglev_lb_config: { table_size: 251 },
        common_lb_config: WEIGHTED,
      },
    ],
  ] as const)
    behaviour(
      `${type} leads where the older form does`,
      {
        routes: (id) => [
          {
            match: { prefix: "/", headers: [{ name: "x-old", present_match: true }] },
            ...hashedTo(`${id}-h2`),
          },
          ...hashed(id),
        ],
        cluster: by(LOCALITIES, type, config),
        http2: () => {},
        http2Cluster: {
          typed_extension_protocol_options: undefined,
          ...groupedHosts(hosts, LOCALITIES, old),
        },
      },
      async (b) => {
        const found = await spread(b, 60, byKey);
        expect(new Set(found).size).toBeGreaterThan(1);
        const old = await spread(b, 60, (i) => ({ headers: [...byKey(i).headers, ["x-old", "1"]] }));
        expect(found).toEqual(old);
      },
    );

  behaviour(
    "Subset, with a policy of its own and keys that are redundant",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            metadata_match: { filter_metadata: { "envoy.lb": { version: "v2", more: "x" } } },
          },
        },
      ],
      cluster: by(
        [{ hosts: "hhh", metadata: [{ version: "v1" }, { version: "v2" }, { version: "v2" }] }],
        "subset.v3.Subset",
        {
          subset_selectors: [{ keys: ["version"] }],
          allow_redundant_keys: true,
          subset_lb_policy: policy(ROUND_ROBIN),
        },
      ),
    },
    async (b) => {
      const found = await spread(b, 20);
      expect([times(found, 1), times(found, 2)]).toEqual([10, 10]);
      expect(await stats(section, b, "lb_subsets_selected")).toEqual([20]);
    },
  );
});

function hashedTo(cluster: string): Json {
  return { route: { cluster, hash_policy: [{ header: { header_name: "x-key" } }] } };
}
