import { expect, test } from "vitest";
import { FilterHost } from "./support/filter-host";

const CONFIGS: Record<string, unknown> = {
  fault: {
    http: [
      {
        match: [{ uri: { regex: "/a/[^/]+" }, headers: { "x-a": { prefix: "b" } } }],
        fault: { delay: { percentage: { value: 100 }, fixedDelay: "1ms" } },
      },
    ],
  },
  authz: {
    policies: [
      {
        metadata: { name: "p", namespace: "n" },
        spec: {
          action: "DENY",
          rules: [
            { to: [{ operation: { paths: ["/b/{**}"], hosts: ["*.b"] } }] },
            { when: [{ key: "request.headers[x-a]", values: ["c"] }] },
          ],
        },
      },
    ],
  },
  metrics: { reporter: "destination", maxSeries: 5 },
};

test.each(Object.entries(CONFIGS))("%s: memory does not grow with requests", async (filter, config) => {
  const host = await FilterHost.with(filter, config);
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      host.requestHeaders([
        [":path", `/a/${i}?x=${"y".repeat(i % 500)}`],
        [":method", "GET"],
        [":authority", `host-${i % 50}.example`],
        ["x-a", "b".repeat(i % 100)],
      ]);
      host.tick(1);
      host.end([[":status", "200"]]);
      host.metrics.clear();
    }
    host.resumed.length = 0;
    return host.memorySize;
  };
  const warm = run(5_000);
  expect(run(30_000)).toBe(warm);
  expect(warm).toBeLessThan(4 * 1024 * 1024);
});
