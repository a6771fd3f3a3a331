import { expect, test } from "vitest";
import { type FilterName, withFilter } from "./support/filter";

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
  ratelimit: {
    stat_prefix: "p",
    token_bucket: { max_tokens: 10, fill_interval: "1s" },
    descriptors: [
      { entries: [{ key: "a", value: "b" }], token_bucket: { max_tokens: 2, fill_interval: "1s" } },
    ],
    rate_limits: [{ actions: [{ request_headers: { header_name: "x-a", descriptor_key: "a" } }] }],
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
  },
};

test.each(Object.entries(CONFIGS))("%s: memory does not grow with requests", async (filter, config) => {
  const host = await withFilter(filter as FilterName, config, { trace: false });
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      const exchange = host.request({
        path: `/a/${i}?x=${"y".repeat(i % 500)}`,
        authority: `host-${i % 50}.example`,
        headers: { "x-a": "b".repeat(i % 100) },
      });
      host.advance(11);
      if (!exchange.over) exchange.respond();
    }
    return host.guestMemory;
  };
  const warm = run(5_000);
  expect(run(30_000)).toBe(warm);
  expect(warm).toBeLessThan(4 * 1024 * 1024);
});

test.each([
  ["base64 that is not canonical", `${"A".repeat(29_000)}=.${"B".repeat(29_000)}=.c`],
  ["spaces in it", `${"A ".repeat(14_000)}.${"B ".repeat(14_000)}.c`],
])("authz: a token as long as a header can be costs memory in proportion: %s", async (_, token) => {
  const jwks = JSON.stringify({ keys: [{ kty: "oct", k: "c2VjcmV0" }] });
  const host = await withFilter("authz", { jwtRules: [{ issuer: "i", jwks }] }, { trace: false });
  for (let i = 0; i < 3; i++)
    expect(host.request({ headers: { authorization: `Bearer ${token}` } }).response.status).toBe(401);
  expect(host.guestMemory).toBeLessThan(4 * 1024 * 1024);
});

test("authz: a cookie of separators alone is read once", async () => {
  const jwks = JSON.stringify({ keys: [{ kty: "oct", k: "c2VjcmV0" }] });
  const rule = { issuer: "i", jwks, fromCookies: ["token"], fromParams: ["token"] };
  // What is read anew for each of them runs into the limit of a callback.
  const host = await withFilter("authz", { jwtRules: [rule] }, { trace: false, maxCallbackMs: 500 });
  const exchange = host.request({
    path: `/?${"&".repeat(58_000)}`,
    headers: { cookie: `${";".repeat(58_000)}token=a.b.c` },
  });
  expect(exchange.response.status).toBe(401);
});
