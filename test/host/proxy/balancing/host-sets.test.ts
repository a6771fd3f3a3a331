import { describe, expect, test } from "vitest";
import { Cluster } from "../../../../host/proxy/clusters/cluster";
import { HealthFlag } from "../../../../host/proxy/clusters/host-health";
import { StatsStore } from "../../../../host/proxy/stats/store";
import { cluster } from "../support/bootstrap";

/** A cluster of hosts by priority; nothing connects to them. */
function clusterOf(...priorities: number[]) {
  const config = cluster("app", 80);
  const [endpoint] = config.endpoints;
  const store = new StatsStore();
  const app = new Cluster(config, store);
  const wanted = priorities.map((priority, i) => ({
    address: "127.0.0.1",
    port: 1000 + i,
    endpoint: { ...endpoint!, priority },
  }));
  app.update(wanted);
  const membership = () =>
    (["total", "healthy", "degraded", "excluded"] as const).map((of) =>
      Number(app.stats[`membership_${of}`].value),
    );
  return { app, wanted, membership };
}

describe("flags", () => {
  test("are told when the host counts differently, and not otherwise", () => {
    const { app, membership } = clusterOf(0, 0);
    const [host] = app.hosts;
    let changes = 0;
    app.members.onChange(() => changes++);
    expect(host!.setFlag(HealthFlag.FailedActiveHc, true)).toBe(true);
    expect(host!.setFlag(HealthFlag.FailedActiveHc, true)).toBe(false);
    // It has failed already, in one way more.
    expect(host!.setFlag(HealthFlag.FailedOutlierCheck, true)).toBe(true);
    expect(host!.setFlag(HealthFlag.ActiveHcTimeout, true)).toBe(true);
    expect([changes, host!.health, membership()]).toEqual([1, "unhealthy", [2, 1, 0, 0]]);
    host!.setFlag(HealthFlag.FailedActiveHc, false);
    expect(changes).toBe(1);
    host!.setFlag(HealthFlag.FailedOutlierCheck, false);
    expect([changes, host!.health, membership()]).toEqual([2, "healthy", [2, 2, 0, 0]]);
  });

  test("a host that is to be checked first neither serves nor counts", () => {
    const { app, membership } = clusterOf(0, 0, 0);
    const [host, other] = app.hosts;
    host!.setFlag(HealthFlag.PendingActiveHc, true);
    host!.setFlag(HealthFlag.FailedActiveHc, true);
    other!.setFlag(HealthFlag.DegradedActiveHc, true);
    expect(membership()).toEqual([3, 1, 1, 1]);
  });
});

describe("members", () => {
  test("are told as they come and go, to whoever comes late as well", () => {
    const { app, wanted } = clusterOf(0, 1);
    const told: string[] = [];
    app.members.onMembers((added, removed) =>
      told.push(`+${added.map(({ port }) => port)} -${removed.map(({ port }) => port)}`),
    );
    app.update(wanted.slice(1));
    app.update(wanted.slice(1));
    app.update(wanted);
    expect(told).toEqual(["+1000,1001 -", "+ -1000", "+1000 -"]);
    expect(app.stats.membership_change.value).toBe(4);
  });

  test("one that has left is no longer heard", () => {
    const { app, wanted, membership } = clusterOf(0, 0);
    const [host] = app.hosts;
    app.update(wanted.slice(1));
    host!.setFlag(HealthFlag.FailedActiveHc, true);
    expect(membership()).toEqual([1, 1, 0, 0]);
  });

  test("a priority nobody stands in is empty", () => {
    const { app } = clusterOf(2);
    expect(app.members.sets.map(({ hosts }) => hosts.length)).toEqual([0, 0, 1]);
    expect(app.pick()).toBe(app.hosts[0]);
  });
});
