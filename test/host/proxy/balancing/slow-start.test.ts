import { afterEach, expect, test, vi } from "vitest";
import type { SlowStartConfig } from "../../../../host/config/model";
import { slowStartFactor } from "../../../../host/proxy/balancing/slow-start";
import { Cluster } from "../../../../host/proxy/clusters/cluster";
import { HealthFlag } from "../../../../host/proxy/clusters/host-health";
import { StatsStore } from "../../../../host/proxy/stats/store";
import { cluster } from "../support/bootstrap";

afterEach(() => vi.useRealTimers());

const PLAIN: SlowStartConfig = { windowMs: 10_000, aggression: 1, minimumShare: 0.1 };

test.each([
  ["at once", 0, PLAIN, 0.1],
  ["before the least share is reached", 900, PLAIN, 0.1],
  ["in a straight line", 5000, PLAIN, 0.5],
  ["in whole milliseconds", 2500.9, PLAIN, 0.25],
  ["at the end", 9999, PLAIN, 0.9999],
  ["behind it", 10_000, PLAIN, 1],
  ["aggression 2: sooner", 2500, { ...PLAIN, aggression: 2 }, 0.5],
  ["aggression 0.5: later", 5000, { ...PLAIN, aggression: 0.5 }, 0.25],
  ["no least share", 0, { ...PLAIN, minimumShare: 0 }, 0.0001],
])("%s", (_, after, config, expected) => {
  const host = { healthySince: 1000, health: "healthy" } as never;
  expect(slowStartFactor(host, config, 1000 + after)).toBeCloseTo(expected, 10);
});

test("a host that was never looked at, or is not healthy, has its weight", () => {
  expect(slowStartFactor({ health: "healthy" } as never, PLAIN, 5)).toBe(1);
  expect(slowStartFactor({ healthySince: 0, health: "degraded" } as never, PLAIN, 5)).toBe(1);
});

for (const policy of ["ROUND_ROBIN", "LEAST_REQUEST"] as const)
  test(`${policy}: a host that passes its check again gets more and more`, () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const base = cluster("app", 80);
    const app = new Cluster(
      { ...base, balancing: { ...base.balancing, policy, slowStart: PLAIN } },
      new StatsStore(),
    );
    const [endpoint] = base.endpoints;
    app.update([1, 2].map((port) => ({ address: "127.0.0.1", port, endpoint: endpoint! })));
    const [, fresh] = app.hosts;
    const share = () => Array.from({ length: 110 }, () => app.pick()).filter((host) => host === fresh).length;
    // All of them are new: the same for each.
    expect(share()).toBe(55);
    vi.advanceTimersByTime(20_000);
    fresh!.setFlag(HealthFlag.FailedActiveHc, true);
    expect(share()).toBe(0);
    fresh!.setFlag(HealthFlag.FailedActiveHc, false);
    expect(Math.abs(share() - 10)).toBeLessThanOrEqual(1);
    vi.advanceTimersByTime(5000);
    // A third, as half of its weight is, but for the long wait that it began with.
    expect(Math.abs(share() - 37)).toBeLessThanOrEqual(5);
    vi.advanceTimersByTime(5000);
    expect(Math.abs(share() - 55)).toBeLessThanOrEqual(1);
    // Outlier detection lets a host in as it was.
    fresh!.setFlag(HealthFlag.FailedOutlierCheck, true);
    fresh!.setFlag(HealthFlag.FailedOutlierCheck, false);
    expect(Math.abs(share() - 55)).toBeLessThan(policy === "ROUND_ROBIN" ? 1 : 27);
    app.close();
  });
