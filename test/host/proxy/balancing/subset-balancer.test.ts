import { expect, test } from "vitest";
import { criteriaOf } from "../../../../host/proxy/balancing/match-criteria";
import { Cluster } from "../../../../host/proxy/clusters/cluster";
import { HealthFlag } from "../../../../host/proxy/clusters/host-health";
import { StatsStore } from "../../../../host/proxy/stats/store";
import { cluster } from "../support/bootstrap";

function versions(...names: string[]) {
  const config = cluster("app", 80, {
    subsets: {
      fallback: "NO_FALLBACK",
      defaultSubset: {},
      selectors: [{ keys: ["version"], singleHost: false, fallback: "NOT_DEFINED", fallbackKeys: [] }],
      localityWeightAware: false,
      scaleLocalityWeight: false,
      panicModeAny: false,
      listAsAny: false,
      fallbackList: false,
      allowRedundantKeys: true,
    },
  });
  const [endpoint] = config.endpoints;
  const app = new Cluster(config, new StatsStore());
  const wanted = names.map((version, i) => ({
    address: "127.0.0.1",
    port: 1000 + i,
    endpoint: { ...endpoint!, metadata: { "envoy.lb": { version } } },
  }));
  app.update(wanted);
  const counts = () =>
    (["active", "created", "removed"] as const).map((of) => Number(app.stats[`lb_subsets_${of}`].value));
  const pick = (fields: Record<string, unknown>) =>
    app.pick({ criteria: criteriaOf(Object.entries(fields)) })?.port;
  return { app, wanted, counts, pick };
}

test("subsets come and go with their hosts", () => {
  const { app, wanted, counts, pick } = versions("v1", "v1", "v2");
  expect(counts()).toEqual([2, 2, 0]);
  app.update(wanted.slice(0, 2));
  expect([counts(), pick({ version: "v2" })]).toEqual([[1, 2, 1], undefined]);
  app.update(wanted);
  expect([counts(), pick({ version: "v2" })]).toEqual([[2, 3, 1], 1002]);
});

test("what a host's health comes to is known at the next request, and whose turn it was is not forgotten", () => {
  const { app, counts, pick } = versions("v1", "v1", "v1", "v1");
  expect([pick({ version: "v1" }), pick({ version: "v1" })]).toEqual([1000, 1001]);
  app.hosts[3]!.setFlag(HealthFlag.FailedOutlierCheck, true);
  expect(counts()).toEqual([1, 1, 0]);
  expect([0, 1, 2, 3].map(() => pick({ version: "v1" }))).toEqual([1002, 1000, 1001, 1002]);
});

test("a route may ask for more than a selector has keys, where that is allowed", () => {
  const { pick } = versions("v1", "v2");
  expect(pick({ version: "v2", stage: "prod" })).toBe(1001);
  expect(pick({ stage: "prod" })).toBeUndefined();
});
