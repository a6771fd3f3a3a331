import { expect } from "vitest";
import { hash64 } from "../../../host/proxy/balancing/hash";
import type { Json } from "../../support/bootstrap";
import { conformance } from "../../support/conformance";
import { placesOf } from "../../support/hash-places";
import {
  groupedHosts,
  type HostGroup,
  numberedHosts,
  spread,
  stats,
  times,
} from "../../support/numbered-hosts";

const hosts = await numberedHosts(6);
const WEIGHTED = { common_lb_config: { locality_weighted_lb_config: {} } };

function zones(groups: readonly HostGroup[], more: Json = {}): Json {
  return groupedHosts(hosts, groups, { ...WEIGHTED, ...more });
}

/** A schedule begins anywhere in its round. */
const near = (count: number, expected: number) => Math.abs(count - expected) <= 1;

const PORTS = hosts.map(({ port }) => port);
const KEYS = Array.from({ length: 200 }, (_, i) => `key-${i}`);
const BY_HEADER = (id: string) => [
  { match: { prefix: "/" }, route: { cluster: id, hash_policy: [{ header: { header_name: "x-key" } }] } },
];

conformance("Localities", (section) => {
  const { behaviour } = section;

  behaviour(
    "share a priority's traffic by their weights, however many hosts they have",
    {
      cluster: zones([
        { hosts: "h", zone: "a", weight: 1 },
        { hosts: "hh", zone: "b", weight: 3 },
      ]),
    },
    async (b) => {
      const found = await spread(b, 80);
      expect(near(times(found, 0), 20), String(times(found, 0))).toBe(true);
      expect(near(times(found, 1), 30)).toBe(true);
      expect(near(times(found, 2), 30)).toBe(true);
    },
  );

  behaviour(
    "without locality_weighted_lb_config their weights mean nothing",
    {
      cluster: groupedHosts(hosts, [
        { hosts: "h", zone: "a", weight: 1 },
        { hosts: "hh", zone: "b", weight: 9 },
      ]),
    },
    async (b) => {
      const found = await spread(b, 30);
      expect([0, 1, 2].map((host) => times(found, host))).toEqual([10, 10, 10]);
    },
  );

  behaviour(
    "one that has lost half of its hosts keeps 70 % of its weight",
    {
      cluster: zones([
        { hosts: "hu", zone: "a", weight: 10 },
        { hosts: "hh", zone: "b", weight: 7 },
      ]),
    },
    async (b) => {
      const found = await spread(b, 80);
      expect(near(times(found, 0), 40), String(times(found, 0))).toBe(true);
      expect(times(found, 2, 3)).toBe(80 - times(found, 0));
    },
  );

  behaviour(
    "one without a weight, or without a name, gets nothing",
    {
      cluster: zones([
        { hosts: "h", zone: "a" },
        { hosts: "h", weight: 5 },
        { hosts: "h", zone: "c", weight: 1 },
      ]),
    },
    async (b) => {
      expect(new Set(await spread(b, 20))).toEqual(new Set([2]));
    },
  );

  behaviour(
    "when none has a weight they are as one",
    {
      cluster: zones([
        { hosts: "h", zone: "a" },
        { hosts: "h", zone: "b" },
      ]),
    },
    async (b) => {
      const found = await spread(b, 20);
      expect([times(found, 0), times(found, 1)]).toEqual([10, 10]);
    },
  );

  behaviour(
    "a locality given in two pieces is one, with the last weight",
    {
      cluster: zones([
        { hosts: "h", zone: "a", weight: 9 },
        { hosts: "h", zone: "b", weight: 2 },
        { hosts: "h", zone: "a", weight: 2 },
      ]),
    },
    async (b) => {
      const found = await spread(b, 80);
      expect(near(times(found, 1), 40), String(times(found, 1))).toBe(true);
    },
  );

  behaviour(
    "in a panic weights are disregarded like health",
    {
      cluster: zones([
        { hosts: "uu", zone: "a", weight: 1 },
        { hosts: "hu", zone: "b", weight: 9 },
      ]),
    },
    async (b) => {
      const found = await spread(b, 40);
      expect([0, 1, 2, 3].map((host) => times(found, host))).toEqual([10, 10, 10, 10]);
      expect(await stats(section, b, "lb_healthy_panic")).toEqual([40]);
    },
  );

  behaviour(
    "degraded hosts are chosen by locality, too",
    {
      cluster: zones([
        { hosts: "d", zone: "a", weight: 1 },
        { hosts: "dd", zone: "b", weight: 3 },
      ]),
    },
    async (b) => {
      const found = await spread(b, 80);
      expect(near(times(found, 0), 20), String(times(found, 0))).toBe(true);
    },
  );

  for (const policy of ["RING_HASH", "MAGLEV"] as const) {
    const groups: readonly HostGroup[] = [
      { hosts: "hh", zone: "b", weight: 1, hostWeights: [1, 3] },
      { hosts: "hu", zone: "a", weight: 2 },
      { hosts: "h", zone: "c", weight: 4, priority: 1 },
      { hosts: "h", priority: 1 },
    ];
    for (const weighted of [true, false])
      behaviour(
        `${policy}: places of ${weighted ? "localities by weight" : "all hosts"}, priority by hash`,
        {
          routes: BY_HEADER,
          cluster: groupedHosts(hosts, groups, { lb_policy: policy, ...(weighted && WEIGHTED) }),
        },
        async (b) => {
          const place = placesOf(PORTS, groups, policy, weighted);
          const found = await spread(b, KEYS.length, (i) => ({ headers: [["x-key", KEYS[i]!]] }));
          expect(found).toEqual(KEYS.map((key) => place(hash64(key))));
        },
      );

    for (const [what, group] of [
      ["nobody is healthy", { hosts: "uuu" }],
      ["everybody is degraded", { hosts: "ddd" }],
      ["too few are healthy", { hosts: "hddd" }],
    ] as const)
      behaviour(
        `${policy}: ${what}`,
        { routes: BY_HEADER, cluster: groupedHosts(hosts, [group], { lb_policy: policy }) },
        async (b) => {
          const place = placesOf(PORTS, [group], policy, false);
          const found = await spread(b, 100, (i) => ({ headers: [["x-key", KEYS[i]!]] }));
          expect(found).toEqual(KEYS.slice(0, 100).map((key) => place(hash64(key))));
          expect(await stats(section, b, "lb_healthy_panic")).toEqual([group.hosts === "uuu" ? 100 : 0]);
        },
      );
  }
});
