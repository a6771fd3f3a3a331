import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HealthFlag } from "../../../../host/proxy/clusters/host-health";
import { checkInterval } from "../../../../host/proxy/health-check/check-interval";
import { type CheckFailure, CheckState } from "../../../../host/proxy/health-check/check-state";
import { containsInOrder } from "../../../../host/proxy/health-check/payload";

/** A host's flags, as a cluster with checks begins with. */
function host(flags: number = HealthFlag.FailedActiveHc) {
  let bits = flags;
  return {
    has: (flag: number) => (bits & flag) !== 0,
    setFlag(flag: number, on: boolean) {
      bits = on ? bits | flag : bits & ~flag;
    },
    get bits() {
      return bits;
    },
  };
}

const LIMITS = { healthyThreshold: 3, unhealthyThreshold: 2 };
const { FailedActiveHc, ActiveHcTimeout, DegradedActiveHc, PendingActiveHc, ExcludedViaImmediateHcFail } =
  HealthFlag;

describe("a host's health", () => {
  test("the first success is enough, later ones have to be so many", () => {
    const h = host();
    const state = new CheckState(h, LIMITS);
    expect(state.succeed(false)).toBe("changed");
    expect(h.bits).toBe(0);
    expect(state.fail("active")).toBe("changed");
    const steps = [state.succeed(false), state.succeed(false), state.fail("network"), state.succeed(false)];
    expect(steps).toEqual(["pending", "pending", "unchanged", "pending"]);
    expect(h.bits).toBe(FailedActiveHc);
    expect([state.succeed(false), state.succeed(false), state.succeed(false)]).toEqual([
      "pending",
      "changed",
      "unchanged",
    ]);
    expect(h.bits).toBe(0);
  });

  test.each([
    ["active", false, 1],
    ["passive", false, 1],
    ["network", false, 2],
    ["timeout", false, 2],
    ["active", true, 2],
  ] as const)("%s, retriable %s: failed after %d", (failure, retriable, count) => {
    const h = host(0);
    const state = new CheckState(h, LIMITS);
    const steps = Array.from({ length: 2 }, () => state.fail(failure, retriable));
    expect(steps).toEqual(count === 1 ? ["changed", "unchanged"] : ["pending", "changed"]);
    expect(h.bits).toBe(FailedActiveHc | (failure === "timeout" ? ActiveHcTimeout : 0));
  });

  test("the flag of a time-out follows the last failure, and goes with the next success that counts", () => {
    const h = host();
    const state = new CheckState(h, LIMITS);
    state.fail("timeout");
    expect(h.has(ActiveHcTimeout)).toBe(true);
    state.fail("network");
    expect(h.has(ActiveHcTimeout)).toBe(false);
    state.fail("timeout");
    for (let i = 0; i < 2; i++) state.succeed(false);
    expect(h.bits).toBe(FailedActiveHc | ActiveHcTimeout);
    state.succeed(false);
    expect(h.bits).toBe(0);
  });

  test("degraded, pending, excluded", () => {
    const h = host(FailedActiveHc | PendingActiveHc | ExcludedViaImmediateHcFail);
    const state = new CheckState(h, LIMITS);
    expect(state.fail("network")).toBe("changed");
    expect(h.bits).toBe(FailedActiveHc | ExcludedViaImmediateHcFail);
    for (let i = 0; i < 3; i++) state.succeed(true);
    expect(h.bits).toBe(DegradedActiveHc);
    expect(state.succeed(true)).toBe("unchanged");
    expect(state.succeed(false)).toBe("changed");
    expect(h.bits).toBe(0);
  });

  test("whatever comes: failed after so many failures in a row at most, well after so many successes", () => {
    const result = fc.oneof(
      fc.constant("good" as const),
      fc.constantFrom<CheckFailure>("active", "network", "timeout", "passive"),
    );
    fc.assert(
      fc.property(
        fc.array(result, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (results, healthyThreshold, unhealthyThreshold) => {
          const h = host();
          const state = new CheckState(h, { healthyThreshold, unhealthyThreshold });
          let good = 0;
          let bad = 0;
          for (const [i, each] of results.entries()) {
            const before = h.has(FailedActiveHc);
            const transition = each === "good" ? state.succeed(false) : state.fail(each);
            good = each === "good" ? good + 1 : 0;
            bad = each === "good" ? 0 : bad + 1;
            const failed = h.has(FailedActiveHc);
            expect(transition === "changed").toBe(before !== failed);
            if (good >= healthyThreshold || (i === 0 && good > 0)) expect(failed).toBe(false);
            if (bad >= unhealthyThreshold || each === "active" || each === "passive")
              expect(failed).toBe(true);
            // Nothing turns a host over but a row that is long enough.
            if (before && !failed) expect(good >= healthyThreshold || i === 0).toBe(true);
            if (h.has(ActiveHcTimeout)) expect(failed).toBe(true);
          }
        },
      ),
    );
  });
});

describe("the next check", () => {
  const intervals = {
    healthy: 1,
    healthyEdge: 2,
    unhealthy: 3,
    unhealthyEdge: 4,
    noTraffic: 5,
    noTrafficHealthy: 6,
  };
  const plain = { intervals, jitterMs: 0, jitterPercent: 0 };

  test.each([
    [true, "unchanged", true, 1],
    [true, "changed", true, 1],
    [true, "pending", true, 2],
    [false, "changed", true, 3],
    [false, "unchanged", true, 3],
    [false, "pending", true, 4],
    [false, "unchanged", false, 5],
    [true, "pending", false, 5],
    [true, "changed", false, 6],
  ] as const)("healthy %s, %s, used %s: %d", (healthy, transition, used, ms) => {
    expect(checkInterval(plain, healthy, transition, used, () => 0)).toBe(ms);
  });

  test("jitter in milliseconds and in percent; never at once", () => {
    const slow = { ...intervals, healthy: 1000 };
    const next = (jitterMs: number, jitterPercent: number) =>
      checkInterval({ intervals: slow, jitterMs, jitterPercent }, true, "unchanged", true, () => 0.999999);
    expect(next(0, 0)).toBe(1000);
    expect(next(100, 0)).toBe(1099);
    expect(next(0, 20)).toBe(1199);
    expect(next(100, 20)).toBe(1298);
    const none = { ...intervals, healthy: 0 };
    expect(checkInterval({ ...plain, intervals: none }, true, "unchanged", true, () => 0)).toBe(1);
  });
});

test("parts in order", () => {
  const has = (data: string, ...parts: string[]) =>
    containsInOrder(
      Buffer.from(data),
      parts.map((part) => Buffer.from(part)),
    );
  expect(has("")).toBe(true);
  expect(has("abc", "a", "c")).toBe(true);
  expect(has("abc", "c", "a")).toBe(false);
  expect(has("aa", "a", "a")).toBe(true);
  expect(has("a", "a", "a")).toBe(false);
});
