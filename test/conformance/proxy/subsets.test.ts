import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import {
  groupedHosts,
  type HostGroup,
  numberedHosts,
  spread,
  stats,
  times,
} from "../../support/numbered-hosts";

const hosts = await numberedHosts(6);

/** 0 and 1 are v1, 2 is v2 of stage prod, 3 is v2 of stage dev, 4 says nothing. */
const VERSIONS: readonly HostGroup[] = [
  {
    hosts: "hhhhh",
    metadata: [
      { version: "v1", stage: "prod" },
      { version: "v1", stage: "prod" },
      { version: "v2", stage: "prod" },
      { version: "v2", stage: "dev" },
      {},
    ],
  },
];
const BY_VERSION = { keys: ["version"] };
const BY_BOTH = { keys: ["stage", "version"] };

function subsets(config: Json, groups: readonly HostGroup[] = VERSIONS, more: Json = {}): Json {
  return groupedHosts(hosts, groups, { lb_subset_config: config, ...more });
}

const match = (fields: Json): Json => ({ metadata_match: { filter_metadata: { "envoy.lb": fields } } });

/** One route for each set of fields: `/0`, `/1`, ...; the last asks for nothing. */
const routes =
  (...fields: Json[]) =>
  (id: string) => [
    ...fields.map((each, i) => ({ match: { prefix: `/${i}` }, route: { cluster: id, ...match(each) } })),
    { match: { prefix: "/" }, route: { cluster: id } },
  ];

const at = (b: Behaviour, path: string, count = 20) => spread(b, count, () => ({ path }));
const reached = async (b: Behaviour, path: string, count = 20) =>
  [...new Set(await at(b, path, count))].sort((one, other) => one - other);

conformance("Subsets", (section) => {
  const { behaviour } = section;
  const counted = (b: Behaviour) =>
    stats(section, b, "lb_subsets_selected", "lb_subsets_fallback", "lb_subsets_fallback_panic");

  behaviour(
    "a route's metadata_match chooses; whatever has no subset goes where fallback_policy says: NO_FALLBACK",
    {
      routes: routes(
        { version: "v1" },
        { version: "v2", stage: "dev" },
        { version: "v3" },
        { stage: "prod" },
      ),
      cluster: subsets({ subset_selectors: [BY_VERSION, BY_BOTH] }),
    },
    async (b) => {
      const first = await at(b, "/0");
      expect([times(first, 0), times(first, 1)]).toEqual([10, 10]);
      expect(await reached(b, "/1")).toEqual([3]);
      expect(await reached(b, "/2", 3)).toEqual([-1]);
      // A key of a selector that wants more of them.
      expect(await reached(b, "/3", 3)).toEqual([-1]);
      expect(await reached(b, "/none", 3)).toEqual([-1]);
      expect(await counted(b)).toEqual([40, 0, 0]);
      expect(await stats(section, b, "upstream_cx_none_healthy")).toEqual([9]);
    },
  );

  behaviour(
    "ANY_ENDPOINT",
    {
      routes: routes({ version: "v2" }, { version: "v3" }),
      cluster: subsets({ fallback_policy: "ANY_ENDPOINT", subset_selectors: [BY_VERSION] }),
    },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([2, 3]);
      expect(await reached(b, "/1")).toEqual([0, 1, 2, 3, 4]);
      expect(await reached(b, "/none")).toEqual([0, 1, 2, 3, 4]);
      expect(await counted(b)).toEqual([20, 40, 0]);
    },
  );

  behaviour(
    "DEFAULT_SUBSET; two fields",
    {
      routes: routes({ version: "v3" }),
      cluster: subsets({
        fallback_policy: "DEFAULT_SUBSET",
        default_subset: { stage: "prod", version: "v2" },
        subset_selectors: [BY_VERSION],
      }),
    },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([2]);
      expect(await reached(b, "/none")).toEqual([2]);
      expect(await counted(b)).toEqual([0, 40, 0]);
    },
  );

  behaviour(
    "a default subset that is nobody's: panic_mode_any",
    {
      routes: routes({ version: "v3" }),
      cluster: subsets({
        fallback_policy: "DEFAULT_SUBSET",
        default_subset: { stage: "none" },
        panic_mode_any: true,
        subset_selectors: [BY_VERSION],
      }),
    },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([0, 1, 2, 3, 4]);
      expect(await counted(b)).toEqual([0, 0, 20]);
    },
  );

  behaviour(
    "panic_mode_any without a fallback policy does nothing",
    { routes: routes(), cluster: subsets({ panic_mode_any: true, subset_selectors: [BY_VERSION] }) },
    async (b) => {
      expect(await reached(b, "/none", 3)).toEqual([-1]);
      expect(await counted(b)).toEqual([0, 0, 0]);
    },
  );

  behaviour(
    "a default subset that says nothing is everybody",
    {
      routes: routes(),
      cluster: subsets({ fallback_policy: "DEFAULT_SUBSET", subset_selectors: [BY_VERSION] }),
    },
    async (b) => {
      expect(await reached(b, "/none")).toEqual([0, 1, 2, 3, 4]);
    },
  );

  behaviour(
    "without selectors there are no subsets, and no fallback",
    { routes: routes({ version: "v1" }), cluster: subsets({ fallback_policy: "NO_FALLBACK" }) },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([0, 1, 2, 3, 4]);
      expect(await counted(b)).toEqual([0, 0, 0]);
    },
  );

  behaviour(
    "selectors' own fallbacks, which nobody counts",
    {
      routes: routes(
        { version: "v3" },
        { stage: "none" },
        { stage: "none", version: "v2" },
        { zone: "z" },
        { stage: "none", zone: "z" },
      ),
      cluster: subsets({
        fallback_policy: "DEFAULT_SUBSET",
        default_subset: { stage: "dev" },
        subset_selectors: [
          { keys: ["version"], fallback_policy: "NO_FALLBACK" },
          { keys: ["stage"], fallback_policy: "ANY_ENDPOINT" },
          { keys: ["version", "stage"], fallback_policy: "KEYS_SUBSET", fallback_keys_subset: ["version"] },
          { keys: ["zone", "stage"], fallback_policy: "DEFAULT_SUBSET" },
        ],
      }),
    },
    async (b) => {
      expect(await reached(b, "/0", 3)).toEqual([-1]);
      expect(await reached(b, "/1")).toEqual([0, 1, 2, 3, 4]);
      expect(await reached(b, "/2")).toEqual([2, 3]);
      expect(await counted(b)).toEqual([20, 0, 0]);
      expect(await reached(b, "/3")).toEqual([3]);
      expect(await counted(b)).toEqual([20, 20, 0]);
      expect(await reached(b, "/4")).toEqual([3]);
      expect(await counted(b)).toEqual([20, 20, 0]);
    },
  );

  behaviour(
    "a selector whose keys begin one further up has no fallback of its own",
    {
      routes: routes({ stage: "none" }),
      cluster: subsets({
        subset_selectors: [
          { keys: ["version", "stage"] },
          { keys: ["stage"], fallback_policy: "ANY_ENDPOINT" },
        ],
      }),
    },
    async (b) => {
      expect(await reached(b, "/0", 3)).toEqual([-1]);
    },
  );

  const lists: readonly HostGroup[] = [
    {
      hosts: "hhh",
      metadata: [
        { version: ["v1", "v2"], stage: ["dev", "prod"] },
        { version: "v2", stage: "prod" },
        { version: ["v3"], stage: "prod" },
      ],
    },
  ];
  const asked = routes(
    { version: "v2", stage: "prod" },
    { version: "v1", stage: "dev" },
    { version: ["v3"], stage: "prod" },
    { version: "v3" },
  );
  behaviour(
    "list_as_any: a list stands for any of its items, in the default subset as well",
    {
      routes: asked,
      cluster: subsets(
        {
          list_as_any: true,
          subset_selectors: [BY_BOTH],
          fallback_policy: "DEFAULT_SUBSET",
          default_subset: { version: "v3" },
        },
        lists,
      ),
    },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([0, 1]);
      expect(await reached(b, "/1")).toEqual([0]);
      expect(await reached(b, "/2")).toEqual([2]);
      expect(await counted(b)).toEqual([40, 20, 0]);
    },
  );

  behaviour(
    "without list_as_any a list is a value",
    { routes: asked, cluster: subsets({ subset_selectors: [BY_BOTH] }, lists) },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([1]);
      expect(await reached(b, "/1", 2)).toEqual([-1]);
      expect(await reached(b, "/2")).toEqual([2]);
    },
  );

  behaviour(
    "values of every kind are compared as values",
    {
      routes: routes({ k: 1 }, { k: "1" }, { k: { b: [null], a: true } }, { k: true }),
      cluster: subsets({ subset_selectors: [{ keys: ["k"] }] }, [
        { hosts: "hhhh", metadata: [{ k: 1.0 }, { k: "1" }, { k: { a: true, b: [null] } }, { k: true }] },
      ]),
    },
    async (b) => {
      for (const host of [0, 1, 2, 3]) expect(await reached(b, `/${host}`, 4)).toEqual([host]);
    },
  );

  behaviour(
    "weighted clusters: what one asks for goes over what the route asks for",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            weighted_clusters: {
              clusters: [
                { name: id, weight: 1, ...match({ version: "v1" }) },
                { name: id, weight: 1 },
              ],
            },
            ...match({ version: "v2", stage: "prod" }),
          },
        },
      ],
      cluster: subsets({ subset_selectors: [BY_BOTH] }),
    },
    async (b) => {
      // v1 and prod, or v2 and prod.
      const found = await at(b, "/", 100);
      expect(times(found, 0, 1)).toBeGreaterThan(15);
      expect(times(found, 2)).toBeGreaterThan(15);
      expect(times(found, 0, 1, 2)).toBe(100);
    },
  );

  behaviour(
    "single_host_per_subset: the first of a value, in whatever state it is",
    {
      routes: routes({ id: "a" }, { id: "b" }, { id: "c" }),
      cluster: subsets({ subset_selectors: [{ keys: ["id"], single_host_per_subset: true }] }, [
        { hosts: "uhh", metadata: [{ id: "a" }, { id: "b" }, { id: "b" }] },
        { hosts: "hh", priority: 1, metadata: [{ id: "a" }, { id: "c" }] },
      ]),
    },
    async (b) => {
      expect(await reached(b, "/0", 4)).toEqual([0]);
      expect(await reached(b, "/1", 4)).toEqual([1]);
      expect(await reached(b, "/2", 4)).toEqual([4]);
      expect(await counted(b)).toEqual([12, 0, 0]);
    },
  );

  behaviour(
    "metadata_fallback_policy FALLBACK_LIST: one after the other",
    {
      routes: routes(
        { fallback_list: [{ version: "v3" }, { version: "v2" }] },
        { version: "v1", fallback_list: [{ stage: "none" }, {}] },
        { version: "v1", fallback_list: [] },
        { fallback_list: [{ version: "v3" }] },
      ),
      cluster: subsets({
        metadata_fallback_policy: "FALLBACK_LIST",
        subset_selectors: [BY_VERSION, { keys: ["version", "stage"] }],
      }),
    },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([2, 3]);
      expect(await reached(b, "/1")).toEqual([0, 1]);
      expect(await reached(b, "/2")).toEqual([0, 1]);
      expect(await reached(b, "/3", 3)).toEqual([-1]);
    },
  );

  behaviour(
    "health counts within a subset: priorities, and panic",
    {
      routes: routes({ v: 1 }, { v: 2 }),
      cluster: subsets({ subset_selectors: [{ keys: ["v"] }] }, [
        { hosts: "uhu", metadata: [{ v: 1 }, { v: 2 }, { v: 2 }] },
        { hosts: "hu", priority: 1, metadata: [{ v: 1 }, { v: 2 }] },
      ]),
    },
    async (b) => {
      expect(await reached(b, "/0")).toEqual([3]);
      expect(await stats(section, b, "lb_healthy_panic")).toEqual([0]);
      // One of two is 70 %, one of one nothing: together less than all there is to do; half of the first are no panic.
      const found = await at(b, "/1", 40);
      expect(times(found, 1)).toBe(40);
      expect(await stats(section, b, "lb_healthy_panic")).toEqual([0]);
    },
  );

  const localities: readonly HostGroup[] = [
    { hosts: "hh", zone: "a", weight: 1, metadata: [{ v: 1 }, { v: 2 }] },
    { hosts: "h", zone: "b", weight: 3, metadata: [{ v: 1 }] },
  ];
  const weighted = { common_lb_config: { locality_weighted_lb_config: {} } };
  for (const [what, config, first] of [
    ["without locality_weight_aware weights mean nothing in a subset", {}, 20],
    ["locality_weight_aware", { locality_weight_aware: true }, 10],
    [
      "scale_locality_weight: half a weight for half of the hosts",
      { locality_weight_aware: true, scale_locality_weight: true },
      10,
    ],
  ] as const)
    behaviour(
      what,
      {
        routes: routes({ v: 1 }),
        cluster: subsets({ subset_selectors: [{ keys: ["v"] }], ...config }, localities, weighted),
      },
      async (b) => {
        const found = await at(b, "/0", 40);
        expect(Math.abs(times(found, 0) - first), String(times(found, 0))).toBeLessThanOrEqual(1);
      },
    );

  behaviour(
    "a hash leads to hosts of the subset",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            hash_policy: [{ header: { header_name: "x-key" } }],
            ...match({ version: "v1" }),
          },
        },
      ],
      cluster: subsets({ subset_selectors: [BY_VERSION] }, VERSIONS, { lb_policy: "RING_HASH" }),
    },
    async (b) => {
      const keyed = (i: number) => ({ headers: [["x-key", `k${i % 20}`]] as [string, string][] });
      const found = await spread(b, 40, keyed);
      expect(new Set(found)).toEqual(new Set([0, 1]));
      expect(found.slice(0, 20)).toEqual(found.slice(20));
    },
  );

  behaviour(
    "lb_subsets_*",
    {
      cluster: subsets({
        subset_selectors: [BY_VERSION, BY_BOTH, { keys: ["stage"], single_host_per_subset: true }],
      }),
    },
    async (b) => {
      const [active, created, removed, duplicates] = await stats(
        section,
        b,
        "lb_subsets_active",
        "lb_subsets_created",
        "lb_subsets_removed",
        "lb_subsets_single_host_per_subset_duplicate",
      );
      // Envoy's main thread and its worker have them each; see docs/envoy-differences.md.
      const count = section.engine.name === "envoy" ? 14 : 7;
      expect([active, created, removed, duplicates]).toEqual([count, count, 0, 2]);
    },
  );
});
