import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { convertOutlier } from "../../../../host/config/convert/outlier";
import type { OutlierConfig } from "../../../../host/config/model/outlier";
import { OutlierDetector } from "../../../../host/proxy/outlier/detector";
import type { HostMonitor, Outcome } from "../../../../host/proxy/outlier/host-monitor";
import { OutlierStats } from "../../../../host/proxy/outlier/outlier-stats";
import { rateThreshold } from "../../../../host/proxy/outlier/success-rate";
import { StatsStore } from "../../../../host/proxy/stats/store";

type Raw = Parameters<typeof convertOutlier>[0];

/** A detector over hosts 0 to n - 1, with time and chance in the test's hands. */
function detector(raw: Raw, hosts: number, more: Partial<OutlierConfig> = {}) {
  const store = new StatsStore();
  const changes: string[] = [];
  let now = 0;
  let dice = 0;
  const made = new OutlierDetector<number>(
    { ...convertOutlier(raw), ...more },
    new OutlierStats(store, "cluster.c."),
    {
      onChange: (host, ejected) => changes.push(`${host}${ejected ? " out" : " back"}`),
      onDegraded: (host, degraded) => changes.push(`${host}${degraded ? " degraded" : " well"}`),
      now: () => now,
      random: () => dice,
    },
  );
  const monitors: HostMonitor[] = [];
  for (let host = 0; host < hosts; host++) monitors.push(made.add(host));
  return {
    made,
    monitors,
    changes,
    stat: (name: string) => {
      const full = `cluster.c.outlier_detection.ejections_${name}`;
      return store.counters.get(full)?.value ?? Number(store.gauges.get(full)?.value);
    },
    respond: (host: number, ...statuses: number[]) => {
      for (const status of statuses) monitors[host]!.response(status);
    },
    sweepAt: (ms: number) => {
      now = ms;
      made.sweep();
    },
    roll: (value: number) => {
      dice = value;
    },
  };
}

const five = (n: number) => new Array<number>(n).fill(500);

describe("failures in a row", () => {
  test("at the threshold a host is ejected, once", () => {
    const d = detector({ consecutive_5xx: 3, max_ejection_percent: 50 }, 2);
    d.respond(0, 500, 503);
    expect(d.changes).toEqual([]);
    d.respond(0, 500, 500, 500, 500, 500);
    expect(d.changes).toEqual(["0 out"]);
    expect([d.stat("enforced_consecutive_5xx"), d.stat("active"), d.stat("total")]).toEqual([1, 1, 1]);
    expect(d.stat("consecutive_5xx")).toBe(1);
  });

  test("a good response starts the count again; 499 and 600 are no failures of the host", () => {
    const d = detector({ consecutive_5xx: 3, max_ejection_percent: 100 }, 2);
    for (const good of [200, 404, 499, 600]) d.respond(0, 500, 500, good);
    d.respond(0, 500, 500);
    expect(d.changes).toEqual([]);
  });

  test("by default ten hosts are needed before one goes", () => {
    for (const hosts of [9, 10]) {
      const d = detector({}, hosts);
      d.respond(0, ...five(5));
      expect(d.changes).toEqual(hosts === 10 ? ["0 out"] : []);
      expect([d.stat("overflow"), d.stat("detected_consecutive_5xx")]).toEqual([hosts === 10 ? 0 : 1, 1]);
    }
  });

  test("always_eject_one_host: the first one goes, the second only by percentage", () => {
    const d = detector({ always_eject_one_host: true, consecutive_5xx: 1 }, 5);
    d.respond(0, 500);
    d.respond(1, 500);
    expect(d.changes).toEqual(["0 out"]);
    expect(d.stat("overflow")).toBe(1);
  });

  test("gateway failures count by themselves, and are only enforced when asked to", () => {
    const raw: Raw = { consecutive_gateway_failure: 2, consecutive_5xx: 0, max_ejection_percent: 100 };
    const lenient = detector(raw, 2);
    lenient.respond(0, 502, 503, 504, 502);
    expect(lenient.changes).toEqual([]);
    expect(lenient.stat("detected_consecutive_gateway_failure")).toBe(2);
    const strict = detector({ ...raw, enforcing_consecutive_gateway_failure: 100 }, 2);
    strict.respond(0, 502, 500, 503);
    expect(strict.changes).toEqual([]);
    strict.respond(0, 504);
    expect(strict.changes).toEqual(["0 out"]);
    expect(strict.stat("total")).toBe(0);
  });

  test("the dice of enforcing_*", () => {
    const d = detector({ consecutive_5xx: 1, max_ejection_percent: 100, enforcing_consecutive_5xx: 30 }, 3);
    d.roll(0.3);
    d.respond(0, 500);
    d.roll(0.299);
    d.respond(1, 500);
    expect(d.changes).toEqual(["1 out"]);
    expect([d.stat("total"), d.stat("enforced_total")]).toEqual([2, 1]);
  });
});

describe("where a failure comes from", () => {
  const outcomes: readonly (readonly [Outcome, boolean | undefined])[] = [
    ["timeout", false],
    ["connect failed", false],
    ["connected", undefined],
    ["connected for good", true],
  ];

  test.each(outcomes)("together: %s", (outcome, good) => {
    const d = detector({ consecutive_5xx: 2, max_ejection_percent: 100 }, 2);
    d.respond(0, 500);
    d.monitors[0]!.outcome(outcome);
    expect(d.changes).toEqual(good === false ? ["0 out"] : []);
    d.respond(0, 500);
    expect(d.changes).toEqual(good === true ? [] : ["0 out"]);
  });

  test.each(outcomes)("apart: %s", (outcome, good) => {
    const d = detector(
      {
        split_external_local_origin_errors: true,
        consecutive_5xx: 2,
        consecutive_local_origin_failure: 2,
        max_ejection_percent: 100,
      },
      2,
    );
    d.respond(0, 500);
    d.monitors[0]!.outcome("timeout");
    d.monitors[0]!.outcome(outcome);
    expect(d.changes).toEqual(good === false ? ["0 out"] : []);
    d.monitors[0]!.outcome("timeout");
    expect(d.changes).toEqual(good === false ? ["0 out"] : []);
    expect(d.stat("detected_consecutive_5xx")).toBe(0);
  });
});

describe("the way back", () => {
  test("only at a sweep, after the base time times the number of ejections, up to a maximum", () => {
    const d = detector({ consecutive_5xx: 1, max_ejection_percent: 100, max_ejection_time: "70s" }, 2);
    let now = 0;
    for (const time of [30_000, 60_000, 70_000, 70_000]) {
      d.respond(0, 500);
      d.sweepAt(now + time - 1);
      expect(d.changes.at(-1)).toBe("0 out");
      now += time;
      d.sweepAt(now);
      expect(d.changes.at(-1)).toBe("0 back");
    }
    expect(d.stat("active")).toBe(0);
  });

  test("every calm interval after it takes a base time off the next ejection", () => {
    const d = detector({ consecutive_5xx: 1, max_ejection_percent: 100 }, 2);
    d.respond(0, 500);
    d.sweepAt(30_000);
    d.respond(0, 500);
    d.sweepAt(90_000);
    d.sweepAt(100_000);
    d.respond(0, 500);
    d.sweepAt(159_999);
    expect(d.changes.at(-1)).toBe("0 out");
    d.sweepAt(160_000);
    expect(d.changes.at(-1)).toBe("0 back");
  });

  test("jitter", () => {
    const d = detector({ consecutive_5xx: 1, max_ejection_percent: 100, max_ejection_time_jitter: "1s" }, 2, {
      enforcing: { ...convertOutlier({}).enforcing, consecutive_5xx: 101 },
    });
    d.roll(0.9995);
    d.respond(0, 500);
    d.sweepAt(30_999);
    expect(d.changes).toEqual(["0 out"]);
    d.sweepAt(31_000);
    expect(d.changes).toEqual(["0 out", "0 back"]);
  });

  test("a health check that succeeds restores a host, and its counts start anew", () => {
    const d = detector({ consecutive_5xx: 2, max_ejection_percent: 100 }, 2);
    d.respond(0, 500, 500, 500);
    d.made.restore(0);
    d.made.restore(0);
    expect(d.changes).toEqual(["0 out", "0 back"]);
    d.respond(0, 500);
    expect(d.changes).toHaveLength(2);
    expect(d.stat("active")).toBe(0);
  });

  test("a host that goes for good takes its place among the ejected with it", () => {
    const d = detector({ consecutive_5xx: 1, max_ejection_percent: 50 }, 2);
    d.respond(0, 500);
    d.made.remove(0);
    expect(d.stat("active")).toBe(0);
    d.respond(0, 500);
    expect(d.changes).toEqual(["0 out"]);
  });
});

test("a detector that is closed takes its ejections out of the gauge, and judges no more", () => {
  const d = detector({ consecutive_5xx: 1, max_ejection_percent: 100 }, 3);
  d.respond(0, 500);
  d.made.close();
  expect(d.stat("active")).toBe(0);
  d.respond(1, 500);
  expect(d.changes).toEqual(["0 out"]);
});

test("detect_degraded_hosts: what a host says of itself holds for as long as an ejection would", () => {
  const deaf = detector({}, 1);
  deaf.monitors[0]!.degraded();
  expect(deaf.changes).toEqual([]);
  const d = detector({ detect_degraded_hosts: true, max_ejection_percent: 0 }, 1);
  let now = 0;
  for (const time of [30_000, 60_000]) {
    d.monitors[0]!.degraded();
    d.monitors[0]!.degraded();
    d.sweepAt(now + time - 1);
    expect(d.changes.at(-1)).toBe("0 degraded");
    now += time;
    d.sweepAt(now);
    expect(d.changes.at(-1)).toBe("0 well");
  }
  expect([d.stat("detected_degradation"), d.stat("active"), d.changes.length]).toEqual([2, 0, 4]);
});

describe("rates", () => {
  const loud = (n: number, good: number) => [...new Array<number>(good).fill(200), ...five(n - good)];

  test("Envoy's example: 50 among 100s falls below 52", () => {
    expect(rateThreshold([50, 100, 100, 100, 100], 1900)).toBe(52);
  });

  test("the one that is worse than the others", () => {
    const d = detector({ success_rate_request_volume: 10, consecutive_5xx: 0, max_ejection_percent: 50 }, 5);
    for (let host = 0; host < 5; host++) d.respond(host, ...loud(10, host === 3 ? 5 : 10));
    expect(d.changes).toEqual([]);
    d.sweepAt(10_000);
    expect(d.changes).toEqual(["3 out"]);
    expect([d.stat("detected_success_rate"), d.stat("success_rate"), d.stat("total")]).toEqual([1, 1, 1]);
    expect(d.monitors.map(({ external }) => external.shown)).toEqual([100, 100, 100, 50, 100]);
    d.sweepAt(20_000);
    expect(d.monitors.map(({ external }) => external.shown)).toEqual([-1, -1, -1, -1, -1]);
  });

  test("too few hosts, too few requests: nobody is judged", () => {
    const few = detector(
      { success_rate_request_volume: 10, consecutive_5xx: 0, max_ejection_percent: 50 },
      4,
    );
    for (let host = 0; host < 4; host++) few.respond(host, ...loud(10, host === 3 ? 5 : 10));
    few.sweepAt(10_000);
    const quiet = detector(
      { success_rate_request_volume: 11, consecutive_5xx: 0, max_ejection_percent: 50 },
      5,
    );
    for (let host = 0; host < 5; host++) quiet.respond(host, ...loud(10, host === 3 ? 5 : 10));
    quiet.sweepAt(10_000);
    expect([...few.changes, ...quiet.changes]).toEqual([]);
  });

  test("failure_percentage", () => {
    const raw: Raw = {
      failure_percentage_request_volume: 10,
      failure_percentage_minimum_hosts: 2,
      failure_percentage_threshold: 40,
      enforcing_success_rate: 0,
      consecutive_5xx: 0,
      max_ejection_percent: 100,
    };
    for (const enforcing of [0, 100]) {
      const d = detector({ ...raw, enforcing_failure_percentage: enforcing }, 3);
      d.respond(0, ...loud(10, 7));
      d.respond(1, ...loud(10, 6));
      d.respond(2, ...loud(9, 0));
      d.sweepAt(10_000);
      expect(d.changes).toEqual(enforcing ? ["1 out"] : []);
      expect(d.stat("detected_failure_percentage")).toBe(1);
    }
  });

  test("of connections, when they are told apart", () => {
    const d = detector(
      { split_external_local_origin_errors: true, success_rate_request_volume: 4, max_ejection_percent: 50 },
      5,
    );
    for (let host = 0; host < 5; host++)
      for (let i = 0; i < 4; i++) d.monitors[host]!.outcome(host === 2 ? "connect failed" : "connected");
    d.sweepAt(10_000);
    expect(d.changes).toEqual(["2 out"]);
    expect(d.stat("enforced_local_origin_success_rate")).toBe(1);
  });
});

test("whatever happens: no more are out than may be, all counts agree, and all come back", () => {
  const event = fc.oneof(
    fc.record({ host: fc.nat(11), status: fc.constantFrom(200, 500, 502, 503) }),
    fc.record({
      host: fc.nat(11),
      outcome: fc.constantFrom<Outcome>("connected", "connect failed", "timeout"),
    }),
    fc.record({ wait: fc.nat(40_000) }),
    fc.record({ restore: fc.nat(11) }),
  );
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 200 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(100),
      fc.boolean(),
      fc.boolean(),
      (events, threshold, percent, split, always) => {
        const d = detector(
          {
            consecutive_5xx: threshold,
            consecutive_gateway_failure: threshold,
            consecutive_local_origin_failure: threshold,
            enforcing_consecutive_gateway_failure: 100,
            max_ejection_percent: percent,
            split_external_local_origin_errors: split,
            always_eject_one_host: always,
            success_rate_request_volume: 3,
          },
          12,
        );
        const out = new Set<number>();
        let now = 0;
        let seen = 0;
        const most = Math.max(Math.floor((12 * percent) / 100), always ? 1 : 0);
        for (const e of events) {
          if ("status" in e) d.respond(e.host, e.status);
          else if ("outcome" in e) d.monitors[e.host]!.outcome(e.outcome);
          else if ("wait" in e) {
            now += e.wait;
            d.sweepAt(now);
          } else d.made.restore(e.restore);
          for (const change of d.changes.slice(seen)) {
            const host = Number.parseInt(change, 10);
            // Never out twice, never back twice.
            expect(out.has(host)).toBe(change.endsWith("back"));
            if (change.endsWith("out")) out.add(host);
            else out.delete(host);
          }
          seen = d.changes.length;
          expect(out.size).toBeLessThanOrEqual(most);
          expect(d.stat("active")).toBe(out.size);
          for (let host = 0; host < 12; host++) expect(d.made.isEjected(host)).toBe(out.has(host));
        }
        expect(d.stat("enforced_total")).toBe(d.changes.filter((change) => change.endsWith("out")).length);
        d.sweepAt(now + 400_000);
        expect(d.stat("active")).toBe(0);
      },
    ),
  );
});
