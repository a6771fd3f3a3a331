import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import {
  around,
  endpointOf,
  groupedHosts,
  type HostGroup,
  numberedHosts,
  spread,
  stats,
  times,
} from "../../support/numbered-hosts";

const HOSTS = 8;
const hosts = await numberedHosts(HOSTS);

const grouped = (groups: readonly HostGroup[], more?: Json, policy?: Json) =>
  groupedHosts(hosts, groups, more, policy);
const panicAt = (value: number): Json => ({ common_lb_config: { healthy_panic_threshold: { value } } });

conformance("Priorities", (section) => {
  const { behaviour } = section;
  const membership = (b: Behaviour) =>
    stats(
      section,
      b,
      "membership_total",
      "membership_healthy",
      "membership_degraded",
      "membership_excluded",
      "membership_change",
    );
  const panics = async (b: Behaviour) => (await stats(section, b, "lb_healthy_panic"))[0];

  behaviour(
    "the first takes all while it can",
    { cluster: grouped([{ hosts: "hhh" }, { hosts: "hh", priority: 1 }]) },
    async (b) => {
      const found = await spread(b, 30);
      expect(new Set(found)).toEqual(new Set([0, 1, 2]));
      expect(await membership(b)).toEqual([5, 5, 0, 0, 2]);
      expect(await panics(b)).toBe(0);
    },
  );

  behaviour(
    "with three of four hosts, too",
    { cluster: grouped([{ hosts: "hhhu" }, { hosts: "hh", priority: 1 }]) },
    async (b) => {
      expect(new Set(await spread(b, 30))).toEqual(new Set([0, 1, 2]));
      expect(await membership(b)).toEqual([6, 5, 0, 0, 2]);
    },
  );

  behaviour(
    "with half of its hosts it keeps 70 %",
    { cluster: grouped([{ hosts: "hhuu" }, { hosts: "hh", priority: 1 }]) },
    async (b) => {
      const found = await spread(b, 400);
      expect(times(found, 0, 1, 4, 5)).toBe(400);
      expect(around(times(found, 0, 1), 400, 0.7), String(times(found, 0, 1))).toBe(true);
      expect(await panics(b)).toBe(0);
    },
  );

  behaviour(
    "without any of its hosts it keeps nothing",
    { cluster: grouped([{ hosts: "uu" }, { hosts: "hh", priority: 1 }]) },
    async (b) => {
      const found = await spread(b, 20);
      expect([times(found, 2), times(found, 3)]).toEqual([10, 10]);
    },
  );

  behaviour(
    "a priority nobody stands in is passed over",
    { cluster: grouped([{ hosts: "hh", priority: 3 }]) },
    async (b) => {
      const found = await spread(b, 20);
      expect([times(found, 0), times(found, 1)]).toEqual([10, 10]);
      expect(await membership(b)).toEqual([2, 2, 0, 0, 1]);
    },
  );

  behaviour(
    "overprovisioning_factor 100: three of four hosts keep 75 %",
    {
      cluster: grouped(
        [{ hosts: "hhhu" }, { hosts: "h", priority: 1 }],
        {},
        { overprovisioning_factor: 100 },
      ),
    },
    async (b) => {
      const found = await spread(b, 400);
      expect(around(times(found, 4), 400, 0.25), String(times(found, 4))).toBe(true);
    },
  );

  behaviour(
    "weighted_priority_health: the heavy host's health is what counts",
    {
      cluster: grouped(
        [
          { hosts: "hu", hostWeights: [9, 1] },
          { hosts: "h", priority: 1 },
        ],
        {},
        { weighted_priority_health: true },
      ),
    },
    async (b) => {
      expect(new Set(await spread(b, 40))).toEqual(new Set([0]));
    },
  );

  behaviour(
    "too few hosts in all: each priority gets its part of what is left, those short of hosts take all of theirs",
    {
      cluster: grouped([{ hosts: "huuu" }, { hosts: "huuu", priority: 1 }]),
    },
    async (b) => {
      const found = await spread(b, 400);
      expect(around(times(found, 0, 1, 2, 3), 400, 0.5)).toBe(true);
      for (const host of hosts.keys()) expect(times(found, host)).toBeGreaterThan(20);
      expect(await panics(b)).toBe(400);
    },
  );

  behaviour(
    "nobody is healthy: every host gets the same, whatever its priority",
    {
      cluster: grouped([{ hosts: "u" }, { hosts: "uuu", priority: 1 }]),
    },
    async (b) => {
      const found = await spread(b, 400);
      expect(around(times(found, 0), 400, 0.25), String(times(found, 0))).toBe(true);
      expect(await panics(b)).toBe(400);
      expect(await membership(b)).toEqual([4, 0, 0, 0, 2]);
    },
  );

  behaviour("half of the hosts are no panic yet", { cluster: grouped([{ hosts: "hu" }]) }, async (b) => {
    expect(new Set(await spread(b, 20))).toEqual(new Set([0]));
    expect(await panics(b)).toBe(0);
  });

  behaviour(
    "healthy_panic_threshold 0: only healthy hosts",
    { cluster: grouped([{ hosts: "huuu" }], panicAt(0)) },
    async (b) => {
      expect(new Set(await spread(b, 20))).toEqual(new Set([0]));
      expect(await panics(b)).toBe(0);
    },
  );

  behaviour(
    "healthy_panic_threshold 0: without any there is none",
    { cluster: grouped([{ hosts: "uu" }], panicAt(0)) },
    async (b) => {
      const response = await b.exchange();
      expect([response.status, response.text]).toEqual([503, "no healthy upstream"]);
      expect(await stats(section, b, "upstream_cx_none_healthy", "lb_healthy_panic")).toEqual([1, 0]);
    },
  );

  behaviour(
    "a threshold in fractions is rounded: one of four is not below 25.4 %",
    {
      cluster: grouped([{ hosts: "huuu" }], panicAt(25.4)),
    },
    async (b) => {
      expect(new Set(await spread(b, 20))).toEqual(new Set([0]));
    },
  );

  behaviour(
    "fail_traffic_on_panic: nobody in place of anybody",
    {
      cluster: grouped([{ hosts: "huuu" }], {
        common_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } },
      }),
    },
    async (b) => {
      expect(await spread(b, 5)).toEqual([-1, -1, -1, -1, -1]);
      expect(await stats(section, b, "upstream_cx_none_healthy", "lb_healthy_panic")).toEqual([5, 5]);
    },
  );

  behaviour(
    "degraded hosts take what healthy ones of all priorities cannot",
    {
      cluster: grouped([{ hosts: "hddd" }, { hosts: "hu", priority: 1 }]),
    },
    async (b) => {
      // 35 % and 70 % make more than 100.
      const found = await spread(b, 400);
      expect(times(found, 0, 4)).toBe(400);
      expect(around(times(found, 0), 400, 0.35), String(times(found, 0))).toBe(true);
      expect(await membership(b)).toEqual([6, 2, 3, 0, 2]);
    },
  );

  behaviour(
    "degraded hosts serve beside healthy ones when these are too few",
    { cluster: grouped([{ hosts: "hddd" }]) },
    async (b) => {
      const found = await spread(b, 400);
      expect(around(times(found, 0), 400, 0.35), String(times(found, 0))).toBe(true);
      expect(await panics(b)).toBe(0);
    },
  );

  behaviour(
    "hosts that drain are left out of the reckoning; those that time out are not",
    {
      cluster: grouped([{ hosts: "hxxx" }, { hosts: "htt", priority: 1 }]),
    },
    async (b) => {
      expect(new Set(await spread(b, 20))).toEqual(new Set([0]));
      expect(await membership(b)).toEqual([7, 2, 0, 3, 2]);
    },
  );

  behaviour(
    "one host in two priorities, and twice in one",
    {
      cluster: {
        load_assignment: {
          cluster_name: "any",
          endpoints: [
            {
              lb_endpoints: [
                endpointOf(hosts[0]!.port),
                endpointOf(hosts[0]!.port),
                endpointOf(hosts[1]!.port),
              ],
            },
            { priority: 1, lb_endpoints: [endpointOf(hosts[0]!.port)] },
          ],
        },
      },
    },
    async (b) => {
      const found = await spread(b, 30);
      expect([times(found, 0), times(found, 1)]).toEqual([20, 10]);
      expect(await membership(b)).toEqual([4, 4, 0, 0, 2]);
    },
  );

  const named = (number: number, more: Json = {}): Json => ({
    endpoint: {
      address: { socket_address: { address: "localhost", port_value: hosts[number]!.port } },
    },
    ...more,
  });
  behaviour(
    "names: priorities, states and weights of what they lead to, one name twice",
    {
      cluster: {
        type: "STRICT_DNS",
        dns_lookup_family: "V4_ONLY",
        load_assignment: {
          cluster_name: "any",
          endpoints: [
            { lb_endpoints: [named(0, { health_status: "UNHEALTHY" }), named(0), named(1)] },
            { priority: 1, lb_endpoints: [named(2, { load_balancing_weight: 3 }), named(3)] },
            { priority: 2, lb_endpoints: [named(2)] },
          ],
          // Two of three are enough.
          policy: { overprovisioning_factor: 150 },
        },
      },
    },
    async (b) => {
      const found = await spread(b, 40);
      expect([times(found, 0), times(found, 1)]).toEqual([20, 20]);
      expect(await membership(b)).toEqual([6, 5, 0, 0, 6]);
      // Each name is asked for by itself.
      expect(await stats(section, b, "update_attempt", "update_success", "update_no_rebuild")).toEqual([
        6, 6, 0,
      ]);
    },
  );

  behaviour(
    "/clusters: flags, priority and locality of every host",
    {
      cluster: grouped([
        { hosts: "hu", zone: "a" },
        { hosts: "dx", zone: "b", priority: 1 },
        { hosts: "t", priority: 2 },
      ]),
    },
    async (b) => {
      const text = await section.proxy().admin("/clusters");
      const facts = (port: number) =>
        ["health_flags", "priority", "region", "zone"].map(
          (fact) => new RegExp(`^${b.id}::127.0.0.1:${port}::${fact}::(.*)$`, "m").exec(text)?.[1],
        );
      expect(hosts.slice(0, 5).map(({ port }) => facts(port))).toEqual([
        ["healthy", "0", "here", "a"],
        ["/failed_eds_health", "0", "here", "a"],
        ["/degraded_eds_health", "1", "here", "b"],
        ["/eds_status_draining", "1", "here", "b"],
        ["/failed_eds_health", "2", "", ""],
      ]);
      const { cluster_statuses: clusters } = JSON.parse(await section.proxy().admin("/clusters?format=json"));
      const { host_statuses: statuses } = clusters.find(({ name }: { name: string }) => name === b.id);
      expect(statuses.map((host: Json) => [host.health_status, host.priority ?? 0, host.locality])).toEqual([
        [{ eds_health_status: "HEALTHY" }, 0, { region: "here", zone: "a" }],
        [{ eds_health_status: "UNHEALTHY" }, 0, { region: "here", zone: "a" }],
        [{ eds_health_status: "DEGRADED" }, 1, { region: "here", zone: "b" }],
        [{ eds_health_status: "DRAINING" }, 1, { region: "here", zone: "b" }],
        [{ eds_health_status: "UNHEALTHY" }, 2, {}],
      ]);
    },
  );
});
