import { expect } from "vitest";
import type { BalancingConfig } from "../../../host/config/model";
import { BALANCERS } from "../../../host/proxy/balancing/balancer";
import { hash64 } from "../../../host/proxy/balancing/hash";
import type { Host } from "../../../host/proxy/clusters/host";
import type { Json } from "../../support/bootstrap";
import { conformance } from "../../support/conformance";
import { placesOf } from "../../support/hash-places";
import { endpointOf, numberedHosts, spread, times } from "../../support/numbered-hosts";
import type { UpstreamHandler } from "../../support/raw-upstream";

const upstreams = await numberedHosts(4);
const PORTS = upstreams.map(({ port }) => port);

const PREVIOUS_HOSTS: Json = {
  name: "envoy.retry_host_predicates.previous_hosts",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
  },
};

function balanced(policy: string, weights: readonly number[], more: Json = {}): Json {
  const hosts = weights.map((weight, i) => endpointOf(upstreams[i]!.port, { load_balancing_weight: weight }));
  return {
    lb_policy: policy,
    load_assignment: { cluster_name: "any", endpoints: [{ lb_endpoints: hosts }] },
    ...more,
  };
}

const hashed =
  (...policies: Json[]) =>
  (id: string) => [{ match: { prefix: "/" }, route: { cluster: id, hash_policy: policies } }];
const BY_HEADER = hashed({ header: { header_name: "X-Key" } });

/** Where the policy's own table puts a hash; both engines must find it there. */
function expected(
  policy: "RING_HASH" | "MAGLEV",
  weights: readonly number[],
  config: Partial<BalancingConfig> = {},
) {
  const hosts = weights.map((weight, i) => ({
    address: "127.0.0.1",
    port: upstreams[i]!.port,
    hostname: "",
    weight,
  }));
  const balancing = {
    minimumRing: 1024,
    maximumRing: 8_388_608,
    tableSize: 65_537,
    useHostname: false,
    activeRequestBias: 1,
    slowStart: undefined,
    ...config,
  };
  const pick = BALANCERS[policy](
    hosts as never as Host[],
    { ...balancing, policy, choices: 2 },
    {
      random: Math.random,
      turn: { next: 0 },
      shares: weights.map((weight) => weight / weights.reduce((sum, each) => sum + each)),
    },
  );
  return (text: string, ...more: string[]) => {
    const hash = more.reduce((seed, each) => hash64(each, seed), hash64(text));
    return hosts.indexOf(pick(hash, 0) as never);
  };
}

const KEYS = Array.from({ length: 300 }, (_, i) => `key-${i}`);
const byKey = (i: number) => ({ headers: [["x-key", KEYS[i]!]] as [string, string][] });

conformance("Load balancing", ({ behaviour }) => {
  behaviour("ROUND_ROBIN: in turn", { cluster: balanced("ROUND_ROBIN", [1, 1, 1, 1]) }, async (b) => {
    const hosts = await spread(b, 40);
    expect([0, 1, 2, 3].map((host) => times(hosts, host))).toEqual([10, 10, 10, 10]);
  });

  behaviour("ROUND_ROBIN by weight", { cluster: balanced("ROUND_ROBIN", [1, 3]) }, async (b) => {
    const hosts = await spread(b, 80);
    expect(times(hosts, 0)).toBeGreaterThanOrEqual(19);
    expect(times(hosts, 0)).toBeLessThanOrEqual(21);
  });

  behaviour("RANDOM: every host has its part", { cluster: balanced("RANDOM", [1, 1, 1, 1]) }, async (b) => {
    const hosts = await spread(b, 200);
    for (const host of [0, 1, 2, 3]) {
      expect(times(hosts, host)).toBeGreaterThan(15);
      expect(times(hosts, host)).toBeLessThan(90);
    }
  });

  behaviour(
    "LEAST_REQUEST: every host has its part",
    { cluster: balanced("LEAST_REQUEST", [1, 1, 1, 1]) },
    async (b) => {
      const hosts = await spread(b, 200);
      for (const host of [0, 1, 2, 3]) expect(times(hosts, host)).toBeGreaterThan(15);
    },
  );

  for (const [what, weights, more, config] of [
    ["equal hosts", [1, 1, 1], {}, {}],
    ["hosts by weight", [1, 2, 5], {}, {}],
    [
      "a small ring",
      [1, 1, 1, 1],
      { minimum_ring_size: 16, maximum_ring_size: 64 },
      { minimumRing: 16, maximumRing: 64 },
    ],
  ] as const)
    behaviour(
      `RING_HASH: ${what}, each key where Envoy puts it`,
      { routes: BY_HEADER, cluster: balanced("RING_HASH", weights, { ring_hash_lb_config: more }) },
      async (b) => {
        const place = expected("RING_HASH", weights, config);
        const found = await spread(b, KEYS.length, byKey);
        expect(found).toEqual(KEYS.map((key) => place(key)));
      },
    );

  for (const [what, weights, more, config] of [
    ["equal hosts", [1, 1, 1], {}, {}],
    ["a small table", [1, 1, 1], { table_size: 251 }, { tableSize: 251 }],
    ["hosts by weight", [1, 2, 5], {}, {}],
    ["hosts by weight, a small table", [1, 2, 5], { table_size: 251 }, { tableSize: 251 }],
  ] as const)
    behaviour(
      `MAGLEV: ${what}, each key where Envoy puts it`,
      { routes: BY_HEADER, cluster: balanced("MAGLEV", weights, { maglev_lb_config: more }) },
      async (b) => {
        const place = expected("MAGLEV", weights, config);
        const found = await spread(b, KEYS.length, byKey);
        expect(found).toEqual(KEYS.map((key) => place(key)));
      },
    );

  behaviour(
    "hash policies: header values in order of the alphabet, query, source address",
    {
      routes: (id) => [
        {
          match: { prefix: "/header" },
          route: { cluster: id, hash_policy: [{ header: { header_name: "x-key" } }] },
        },
        {
          match: { prefix: "/query" },
          route: { cluster: id, hash_policy: [{ query_parameter: { name: "k" } }] },
        },
        {
          match: { prefix: "/ip" },
          route: { cluster: id, hash_policy: [{ connection_properties: { source_ip: true } }] },
        },
      ],
      cluster: balanced("RING_HASH", [1, 1, 1, 1]),
    },
    async (b) => {
      const place = expected("RING_HASH", [1, 1, 1, 1]);
      const host = async (path: string, headers: [string, string][] = []) =>
        Number((await b.exchange({ path, headers })).header("x-host"));
      for (let i = 0; i < 10; i++) {
        expect(
          await host("/header", [
            ["x-key", `z${i}`],
            ["x-key", `a${i}`],
          ]),
        ).toBe(place(`a${i}`, `z${i}`));
        expect(await host(`/query?x=1&k=v${i}&k=w`)).toBe(place(`v${i}`));
      }
      expect(await host("/ip")).toBe(place("127.0.0.1"));
      // The client that trusted headers name, not the proxy in front.
      for (let i = 1; i < 10; i++)
        expect(await host("/ip", [["x-forwarded-for", `203.0.113.${i}`]])).toBe(place(`203.0.113.${i}`));
    },
  );

  behaviour(
    "hash policies: what the route has made of the request",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            prefix_rewrite: "/?k=rewritten&",
            hash_policy: [{ header: { header_name: "x-key" } }],
          },
          request_headers_to_add: [
            { header: { key: "x-key", value: "one" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
          ],
        },
      ],
      cluster: balanced("RING_HASH", [1, 1, 1, 1]),
    },
    async (b) => {
      const found = await spread(b, 20, byKey);
      expect(new Set(found)).toEqual(new Set([expected("RING_HASH", [1, 1, 1, 1])("one")]));
    },
  );

  behaviour(
    "a cookie that is there leads to a host; one that is not is set, and leads to the same host again",
    {
      routes: hashed({ cookie: { name: "sticky", ttl: "60s", path: "/shop" } }),
      cluster: balanced("RING_HASH", [1, 1, 1, 1]),
    },
    async (b) => {
      const place = expected("RING_HASH", [1, 1, 1, 1]);
      for (let i = 0; i < 10; i++) {
        const response = await b.exchange({ headers: [["cookie", `a=b; sticky=v${i}; c=d`]] });
        expect(Number(response.header("x-host"))).toBe(place(`v${i}`));
        expect(response.header("set-cookie")).toBeUndefined();
      }
      const first = await b.exchange();
      const cookie = /^sticky="([0-9a-f]+)"; Max-Age=60; Path=\/shop; HttpOnly$/.exec(
        first.header("set-cookie") ?? "",
      );
      expect(cookie, first.header("set-cookie")).not.toBeNull();
      expect(Number(first.header("x-host"))).toBe(place(cookie![1]!));
      const again = await b.exchange({ headers: [["cookie", `sticky="${cookie![1]}"`]] });
      expect(again.header("x-host")).toBe(first.header("x-host"));
    },
  );

  behaviour(
    "without anything to hash a request goes anywhere; a second policy is mixed in, unless the first is terminal",
    {
      routes: (id) => [
        {
          match: { prefix: "/terminal" },
          route: {
            cluster: id,
            hash_policy: [
              { header: { header_name: "x-a" }, terminal: true },
              { header: { header_name: "x-b" } },
            ],
          },
        },
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            hash_policy: [{ header: { header_name: "x-a" } }, { header: { header_name: "x-b" } }],
          },
        },
      ],
      cluster: balanced("RING_HASH", [1, 1, 1, 1]),
    },
    async (b) => {
      const place = expected("RING_HASH", [1, 1, 1, 1]);
      const host = async (path: string, headers: [string, string][]) =>
        Number((await b.exchange({ path, headers })).header("x-host"));
      const mixed: number[] = [];
      for (let i = 0; i < 12; i++) {
        expect(
          await host("/terminal", [
            ["x-a", `a${i}`],
            ["x-b", `b${i}`],
          ]),
        ).toBe(place(`a${i}`));
        expect(await host("/terminal", [["x-b", `b${i}`]])).toBe(place(`b${i}`));
        const both = await host("/", [
          ["x-a", `a${i}`],
          ["x-b", `b${i}`],
        ]);
        expect(
          await host("/", [
            ["x-a", `a${i}`],
            ["x-b", `b${i}`],
          ]),
        ).toBe(both);
        mixed.push(both);
      }
      expect(mixed).not.toEqual(Array.from({ length: 12 }, (_, i) => place(`a${i}`)));
      const nothing = await spread(b, 40);
      expect(new Set(nothing).size).toBeGreaterThan(1);
    },
  );

  for (const policy of ["RING_HASH", "MAGLEV"] as const)
    behaviour(
      `${policy}, previous_hosts: a retry goes where Envoy's does`,
      {
        upstream: (_, reply) => reply.send({ status: 503 }),
        routes: hashed({ header: { header_name: "x-key" } }),
        virtualHost: {
          retry_policy: {
            retry_on: "5xx",
            num_retries: 1,
            retry_host_predicate: [PREVIOUS_HOSTS],
            host_selection_retry_max_attempts: 5,
          },
        },
        cluster: (port) => ({
          ...balanced(policy, [1, 1, 1, 1]),
          load_assignment: {
            cluster_name: "any",
            endpoints: [{ lb_endpoints: [port, ...PORTS].map((each) => endpointOf(each)) }],
          },
        }),
      },
      async (b) => {
        const place = placesOf([b.upstream.port, ...PORTS], [{ hosts: "hhhhh" }], policy, false);
        const found = await spread(b, 100, byKey);
        const wanted = KEYS.slice(0, 100).map((key) => place(hash64(key)) || place(hash64(key), 0));
        // The one that fails is number 0 here, and has none in its answers.
        expect(found).toEqual(wanted.map((number) => number - 1));
      },
    );

  const failing: UpstreamHandler = (_, reply) => reply.send({ status: 503 });
  behaviour(
    "previous_hosts: a retry goes to another host",
    {
      upstream: failing,
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: {
            cluster: id,
            retry_policy: {
              retry_on: "5xx",
              num_retries: 1,
              retry_host_predicate: [PREVIOUS_HOSTS],
              host_selection_retry_max_attempts: 50,
            },
          },
        },
      ],
      cluster: (port) => ({
        lb_policy: "RANDOM",
        load_assignment: {
          cluster_name: "any",
          endpoints: [{ lb_endpoints: [endpointOf(port), endpointOf(upstreams[0]!.port)] }],
        },
      }),
    },
    async (b) => {
      const statuses: number[] = [];
      for (let i = 0; i < 20; i++) statuses.push((await b.exchange()).status);
      expect(new Set(statuses)).toEqual(new Set([200]));
    },
  );
});
