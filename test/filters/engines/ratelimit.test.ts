import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { describeEngines, EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "../support/module-file";
import { type Probe, probe } from "../support/subjects";

/** Refills too slowly for any test to see. */
const bucket = (max_tokens: number, more: object = {}) => ({ max_tokens, fill_interval: "86400s", ...more });
const always = { default_value: { numerator: 100, denominator: "HUNDRED" } };
const role = (value: string, max: number) => ({
  entries: [{ key: "role", value }],
  token_bucket: bucket(max),
});
const BY_ROLE = { actions: [{ request_headers: { header_name: "X-Role", descriptor_key: "role" } }] };

const times = (count: number, request: Probe = {}): Probe[] => Array.from({ length: count }, () => request);
const as = (...roles: string[]): Probe => ({ headers: roles.map((value) => ["x-role", value]) });
const GRPC: Probe = { method: "POST", headers: [["content-type", "application/grpc"]] };

/** Limits, and traffic that goes to their edges: what each answers depends on all before it. */
const CASES: [name: string, limits: object, requests: Probe[]][] = [
  ["a bucket of three", { token_bucket: bucket(3) }, times(5)],
  ["a status", { token_bucket: bucket(1), status: { code: 503 } }, times(3)],
  ["a status of success is 429", { token_bucket: bucket(1), status: { code: 200 } }, times(3)],
  ["gRPC", { token_bucket: bucket(1) }, times(3, GRPC)],
  ["gRPC by another status", { token_bucket: bucket(1), status: { code: 404 } }, times(3, GRPC)],
  [
    "gRPC resource exhausted",
    { token_bucket: bucket(1), status: { code: 404 }, rate_limited_as_resource_exhausted: true },
    times(3, GRPC),
  ],
  [
    "headers of the answer",
    {
      token_bucket: bucket(1),
      response_headers_to_add: [
        { header: { key: "X-Local-Rate-Limit", value: "true" } },
        { header: { key: "x-local-rate-limit", value: "again" } },
      ],
    },
    times(3),
  ],
  [
    "x-ratelimit headers",
    { token_bucket: bucket(3), enable_x_ratelimit_headers: "DRAFT_VERSION_03" },
    times(5),
  ],
  [
    "x-ratelimit headers, several tokens a fill",
    {
      token_bucket: bucket(2, { tokens_per_fill: 7, fill_interval: "604800s" }),
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    },
    times(4),
  ],
  ["HEAD", { token_bucket: bucket(1) }, times(3, { method: "HEAD" })],
  [
    "descriptors, and the default that they drain too",
    { token_bucket: bucket(6), descriptors: [role("admin", 2), role("guest", 4)], rate_limits: [BY_ROLE] },
    [...times(3, as("admin")), ...times(3, as("guest")), as("other"), as("guest"), {}, {}, {}],
  ],
  [
    "descriptors by path",
    {
      token_bucket: bucket(100),
      descriptors: [{ entries: [{ key: "path", value: "/a" }], token_bucket: bucket(1) }],
      rate_limits: [{ actions: [{ request_headers: { header_name: ":path", descriptor_key: "path" } }] }],
    },
    [{ path: "/a" }, { path: "/a" }, { path: "/b" }, { path: "/a?b" }],
  ],
  [
    "descriptors that leave the default alone",
    {
      token_bucket: bucket(2),
      descriptors: [role("admin", 2)],
      rate_limits: [BY_ROLE],
      always_consume_default_token_bucket: false,
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    },
    [...times(3, as("admin")), {}, as("other"), {}],
  ],
  [
    "a repeated header counts by its first line",
    {
      token_bucket: bucket(100),
      descriptors: [role("admin", 1), role("admin,guest", 1)],
      rate_limits: [BY_ROLE],
    },
    [
      ...times(2, as("admin", "guest")),
      ...times(2, as("admin,guest")),
      ...times(2, as("guest", "admin")),
      as(""),
    ],
  ],
  [
    "several actions make one descriptor, in their order",
    {
      token_bucket: bucket(100),
      descriptors: [
        {
          entries: [
            { key: "generic_key", value: "g" },
            { key: "role", value: "admin" },
          ],
          token_bucket: bucket(1),
        },
        { entries: [{ key: "named", value: "g" }], token_bucket: bucket(3) },
        { entries: [{ key: "remote_address", value: "127.0.0.2" }], token_bucket: bucket(2) },
      ],
      rate_limits: [
        {
          actions: [
            { generic_key: { descriptor_value: "g" } },
            { request_headers: { header_name: "x-role", descriptor_key: "role" } },
          ],
        },
        { actions: [{ remote_address: {} }] },
        {
          actions: [
            { generic_key: { descriptor_key: "named", descriptor_value: "g" } },
            { request_headers: { header_name: "x-none", descriptor_key: "role", skip_if_absent: true } },
          ],
        },
      ],
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    },
    [as("admin"), as("guest"), as("admin"), ...times(3, { from: "127.0.0.2" }), {}],
  ],
  [
    "header matches",
    {
      token_bucket: bucket(100),
      descriptors: [
        { entries: [{ key: "header_match", value: "a" }], token_bucket: bucket(2) },
        { entries: [{ key: "not", value: "b" }], token_bucket: bucket(2) },
      ],
      rate_limits: [
        {
          actions: [
            {
              header_value_match: {
                descriptor_value: "a",
                headers: [
                  { name: "x-role", string_match: { prefix: "AD", ignore_case: true } },
                  { name: ":path", string_match: { safe_regex: { regex: "/.*" } } },
                ],
              },
            },
          ],
        },
        {
          actions: [
            {
              header_value_match: {
                descriptor_key: "not",
                descriptor_value: "b",
                expect_match: false,
                headers: [{ name: "x-role", present_match: true }],
              },
            },
          ],
        },
      ],
    },
    [...times(3, as("Admin")), ...times(3, as("guest")), ...times(3), as("guest", "admin")],
  ],
  [
    "limited but not enforced",
    {
      token_bucket: bucket(1),
      filter_enforced: { default_value: { numerator: 0, denominator: "HUNDRED" } },
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    },
    times(3),
  ],
  ["not enabled", { token_bucket: bucket(1), filter_enabled: { default_value: { numerator: 0 } } }, times(3)],
];

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

/** Envoy's own filter does nothing unless it is told how often; ours takes that for always. */
function native(limits: object): build.Json {
  return {
    name: "envoy.filters.http.local_ratelimit",
    typed_config: {
      "@type": TYPE,
      filter_enabled: always,
      filter_enforced: always,
      stat_prefix: "p",
      ...limits,
    },
  };
}

let wasm: string;
beforeAll(async () => {
  wasm = await moduleFile("filters/ratelimit");
});

function ours(limits: object, name: string): build.Json {
  const configuration = JSON.stringify({ stat_prefix: name, ...limits });
  return build.wasmFilter({ name, wasm, rootId: "ratelimit", vmId: "ratelimit", configuration });
}

function listener(name: string, filter: build.Json): build.Json {
  const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
  return build.httpListener({ name, filters: [filter], routes });
}

describe.skipIf(!inject("envoy"))("ratelimit acts as Envoy's local_ratelimit filter", () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  let upstream: RawUpstream;
  const proxies: Partial<Record<EngineName, ProxyUnderTest>> = {};

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const clusters = [build.cluster("app", upstream.port)];
    const ofOurs = CASES.map(([, limits], i) => listener(`wasm-${i}`, ours(limits, `wasm-${i}`)));
    const ofNative = CASES.map(([, limits], i) => listener(`native-${i}`, native(limits)));
    proxies.node = await engines.node.start(build.bootstrap({ listeners: ofOurs, clusters }));
    proxies.envoy = await engines.envoy.start(
      build.bootstrap({ listeners: [...ofOurs, ...ofNative], clusters }),
    );
  }, 120_000);
  afterAll(async () => {
    await Promise.all(Object.values(engines).map((engine) => engine.cleanUp()));
    await upstream.close();
  });

  test.concurrent.each(CASES.map(([name, , requests], at) => [name, at, requests] as const))(
    "%s",
    async (_, at, requests) => {
      const native = await probe(proxies.envoy!.port(`native-${at}`), requests);
      const ofEnvoy = await probe(proxies.envoy!.port(`wasm-${at}`), requests);
      const ofNode = await probe(proxies.node!.port(`wasm-${at}`), requests);
      for (const [i, request] of requests.entries()) {
        const expected = { i, request, seen: native[i] };
        expect({ i, request, seen: ofEnvoy[i] }).toEqual(expected);
        expect({ i, request, seen: ofNode[i] }).toEqual(expected);
      }
    },
  );
});

describeEngines("ratelimit", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  const LIMITS: Record<string, object> = {
    quick: { token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "0.05s" } },
    counted: { token_bucket: bucket(2) },
    half: {
      token_bucket: bucket(1),
      filter_enforced: { default_value: { numerator: 500_000, denominator: "MILLION" } },
    },
    many: { token_bucket: bucket(50) },
  };
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const listeners = Object.entries(LIMITS).map(([name, limits]) => listener(name, ours(limits, name)));
    proxy = await engine.start(
      build.bootstrap({ listeners, clusters: [build.cluster("app", upstream.port)] }),
    );
  });
  afterAll(() => upstream.close());

  test("tokens come back with time", async () => {
    const until = async (status: number) => {
      const answer = async () => (await probe(proxy.port("quick"), [{}]))[0]!.status;
      await expect.poll(answer, { interval: 5, timeout: 5000 }).toBe(status);
    };
    await until(200);
    await until(429);
    await until(200);
  });

  test("what is limited is counted", async () => {
    await probe(proxy.port("counted"), times(5));
    const stat = (name: string) => proxy.stat(`wasmcustom.counted.http_local_rate_limit.${name}`);
    const names = ["enabled", "ok", "rate_limited", "enforced"];
    expect(await Promise.all(names.map(stat))).toEqual([5, 2, 3, 3]);
  });

  test("half of what is over the limit is refused, give or take five standard deviations", async () => {
    const answers = await probe(proxy.port("half"), times(1001));
    const refused = answers.filter(({ status }) => status === 429).length;
    expect(Math.abs(refused - 500)).toBeLessThan(5 * Math.sqrt(1000 * 0.25));
  });

  test("requests that come at once get no token twice", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => probe(proxy.port("many"), times(10))));
    expect(answers.flat().filter(({ status }) => status === 200)).toHaveLength(50);
  });
});

describe.skipIf(!inject("envoy"))("ratelimit on several workers", () => {
  const engine = new EngineUnderTest("envoy");
  afterAll(() => engine.cleanUp());

  test("ten tokens a second, two workers, bursts of 25: what native allows, plain and gRPC", async () => {
    const upstream = await RawUpstream.start();
    const limits = { token_bucket: { max_tokens: 10, tokens_per_fill: 10, fill_interval: "1s" } };
    const exhausted = { ...limits, rate_limited_as_resource_exhausted: true };
    const names = ["wasm", "native", "wasm-grpc", "native-grpc", "wasm-8", "native-8"];
    const proxy = await engine.start(
      build.bootstrap({
        listeners: names.map((name) => {
          const these = name.endsWith("-8") ? exhausted : limits;
          return listener(name, name.startsWith("wasm") ? ours(these, name) : native(these));
        }),
        clusters: [build.cluster("app", upstream.port)],
      }),
      { concurrency: 2 },
    );
    for (const name of names) {
      const request = name.includes("-") ? GRPC : {};
      const started = performance.now();
      const answers = (
        await Promise.all(Array.from({ length: 25 }, () => probe(proxy.port(name), [request])))
      ).flat();
      const refilled = Math.ceil((performance.now() - started) / 100);
      const status = ({ status, headers }: (typeof answers)[number]) =>
        headers.find(([key]) => key === "grpc-status")?.[1] ?? String(status);
      const refusal = name.endsWith("-8") ? "8" : name.endsWith("-grpc") ? "14" : "429";
      const refused = answers.filter((answer) => status(answer) === refusal).length;
      expect([name, answers.filter((answer) => status(answer) === "200").length + refused]).toEqual([
        name,
        25,
      ]);
      expect(refused).toBeLessThanOrEqual(15);
      expect(refused).toBeGreaterThanOrEqual(15 - refilled);
      const again = async () => status((await probe(proxy.port(name), [request]))[0]!);
      await expect.poll(again, { interval: 20, timeout: 5000 }).toBe("200");
    }
    await upstream.close();
  });

  test("all workers share one bucket", async () => {
    const upstream = await RawUpstream.start();
    const limits = { token_bucket: bucket(100) };
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [listener("shared", ours(limits, "shared"))],
        clusters: [build.cluster("app", upstream.port)],
      }),
      { concurrency: 4 },
    );
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => probe(proxy.port("shared"), times(10))),
    );
    expect(answers.flat().filter(({ status }) => status === 200)).toHaveLength(100);
    await upstream.close();
  });
});
