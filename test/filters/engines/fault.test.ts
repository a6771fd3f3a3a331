import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { describeEngines, EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawClient } from "../../support/raw-client";
import { answerOk, RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "../support/module-file";
import {
  FAULT_FILTER,
  type FaultSpec,
  faultRoutes,
  type HttpEntry,
  type MatchSpec,
} from "../support/native-fault";
import { type Probe, probe } from "../support/subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const GENERATED = 40;

const always = (abort: { httpStatus?: number; grpcStatus?: string }): FaultSpec => ({
  abort: { percentage: { value: 100 }, ...abort },
});

/** Entries that each answer with a status of their own: the status says which one applied. */
function marked(matches: readonly MatchSpec[][]): HttpEntry[] {
  return matches.map((match, i) => ({ match, fault: always({ httpStatus: 410 + i }) }));
}

const WRITTEN: Record<string, HttpEntry[]> = {
  "uri forms": marked([
    [{ uri: { exact: "/a" } }],
    [{ uri: { prefix: "/p" } }],
    [{ uri: { regex: "/a/[^/]+(/.*)?" } }],
  ]),
  "uri without case": marked([
    [{ uri: { exact: "/A" }, ignoreUriCase: true }],
    [{ uri: { prefix: "/P" }, ignoreUriCase: true }],
    [{ uri: { regex: "/ADMIN" }, ignoreUriCase: true }],
  ]),
  "uri star is no regex": marked([[{ uri: { regex: ".*/b" } }], [{ uri: { regex: "*" } }]]),
  "method, authority, scheme": marked([
    [{ method: { exact: "POST" } }, { method: { regex: "D.*" } }],
    [{ authority: { prefix: "a." }, scheme: { exact: "http" } }],
    [{ scheme: { exact: "https" } }],
    [{ authority: { regex: "(?i)x\\.B\\..*" } }],
    [{ authority: {} }],
  ]),
  headers: marked([
    [{ headers: { "x-role": { exact: "guest" } } }],
    [{ headers: { "X-Role": { prefix: "ad" } } }],
    [{ headers: { "x-role": { regex: "a.*,.*" } } }],
    [{ headers: { "x-other": {} } }],
    [{ headers: { "x-role": { regex: "*" } } }],
  ]),
  "headers Istio ignores": marked([
    [{ headers: { method: { exact: "X" }, uri: { exact: "X" }, "x-other": {} } }],
  ]),
  "without a header": marked([
    [{ withoutHeaders: { "x-other": {} }, method: { exact: "PUT" } }],
    [{ withoutHeaders: { "x-role": { exact: "guest" } } }],
  ]),
  "without: missing counts as empty": marked([
    [{ withoutHeaders: { "x-role": { regex: "[a-z]*" } } }],
    [{ withoutHeaders: { "x-role": { regex: "[a-z]+" } } }],
    [{ withoutHeaders: { "x-role": { prefix: "a" } }, headers: { "x-role": {} } }],
  ]),
  query: marked([
    [{ queryParams: { k: { exact: "1" } } }],
    [{ queryParams: { k: { regex: "[a-z]+|%.*" } } }],
    [{ queryParams: { k: {} } }],
    [{ queryParams: { q: { exact: "" } } }],
  ]),
  "blocks and entries": [
    {
      match: [{ uri: { prefix: "/a" }, method: { exact: "GET" } }, { uri: { exact: "/b" } }],
      fault: always({ httpStatus: 410 }),
    },
    { match: [{ uri: { prefix: "/a" } }] },
    { fault: always({ httpStatus: 411 }) },
    { fault: always({ httpStatus: 412 }) },
  ],
  "what an abort says": [
    { match: [{ uri: { exact: "/a" } }], fault: always({ grpcStatus: "NOT_FOUND" }) },
    { match: [{ uri: { exact: "/b" } }], fault: always({ grpcStatus: "UNAVAILABLE" }) },
    { match: [{ uri: { exact: "/p" } }], fault: always({ grpcStatus: "OK" }) },
    ...[200, 400, 401, 403, 404, 429, 500, 503, 599].map((httpStatus) => ({
      match: [{ uri: { exact: `/${httpStatus}` } }],
      fault: always({ httpStatus }),
    })),
  ],
  "never and at once": [
    { match: [{ uri: { prefix: "/a" } }], fault: { abort: { percentage: { value: 0 }, httpStatus: 500 } } },
    { match: [{ uri: { prefix: "/b" } }], fault: { abort: { httpStatus: 500 } } },
    {
      fault: { delay: { percentage: { value: 100 }, fixedDelay: "0.001s" }, ...always({ httpStatus: 418 }) },
    },
  ],
};

const string = (...values: string[]) =>
  fc.oneof(
    fc.constantFrom(...values).map((exact) => ({ exact })),
    fc.constantFrom(...values.filter((value) => value !== "")).map((prefix) => ({ prefix })),
    fc
      .constantFrom(".*", ".+", "[a-z]*", "a.*", "\\w+", "*", "(a|b)+", "/a(/.*)?", "(?i)A.*", "[^/]+")
      .map((regex) => ({ regex })),
    fc.constant({}),
  );
const role = string("admin", "guest", "ad", "a", "");
const match: fc.Arbitrary<MatchSpec> = fc.record(
  {
    uri: fc.oneof(
      fc.constantFrom("/a", "/A/B", "/", "/p").map((exact) => ({ exact })),
      fc.constantFrom("/a", "/A", "/", "/p", "/a/b?").map((prefix) => ({ prefix })),
      fc.constantFrom("/a.*", "/[a-z]+", ".*b", "/(a|p)(/b)*", "(?i)/A/.*").map((regex) => ({ regex })),
    ),
    ignoreUriCase: fc.boolean(),
    method: string("GET", "POST", "P"),
    authority: string("a.example", "a"),
    scheme: string("http"),
    headers: fc.dictionary(fc.constantFrom("x-role", "X-Other", "method"), role, {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    withoutHeaders: fc.dictionary(fc.constantFrom("x-role", "x-other"), role, {
      maxKeys: 1,
      noNullPrototype: true,
    }),
    queryParams: fc.dictionary(fc.constantFrom("k", "q"), string("1", "a", ""), {
      maxKeys: 1,
      noNullPrototype: true,
    }),
  },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<MatchSpec>;
const generated = fc.sample(
  fc.array(fc.array(match, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 6 }),
  { seed, numRuns: GENERATED },
);

const CASES: [name: string, entries: HttpEntry[]][] = [
  ...Object.entries(WRITTEN),
  ...generated.map((matches, i): [string, HttpEntry[]] => [`generated ${i}`, marked(matches)]),
];

const line = (value: string): [string, string] => ["x-role", value];
const request: fc.Arbitrary<Probe> = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "DELETE", "PUT", "HEAD"),
  path: fc.constantFrom(
    "/",
    "/a",
    "/A",
    "/a/b",
    "/a/b/c?k=1",
    "/b",
    "/p",
    "/PQ",
    "/admin",
    "/ADMIN",
    "/?k",
    "/?k=",
    "/x?k=a&k=1",
    "/x?q&k=%61",
    "/?kk=1",
    "/?k=1&q=",
    "/200",
    "/400",
    "/401",
    "/403",
    "/404",
    "/429",
    "/500",
    "/503",
    "/599",
  ),
  host: fc.constantFrom("a.example", "A.example", "x.b.example", "a"),
  headers: fc
    .tuple(
      fc.constantFrom<[string, string][]>(
        [],
        [line("admin")],
        [line("guest")],
        [line("admin"), line("guest")],
        [line("GUEST"), line("ad,min")],
        [line("")],
        [["X-Other", "a"], line("ad")],
      ),
      fc.constantFrom("", "", "", "application/grpc", "application/grpc+proto", "application/grpc-web"),
    )
    .map(([list, type]) => (type ? [...list, ["content-type", type] as [string, string]] : list)),
});
const PROBES: Probe[] = [
  ...fc.sample(request, { seed: seed + 1, numRuns: 40 }),
  ...["/a", "/b", "/p", "/200", "/400", "/401", "/403", "/404", "/429", "/500", "/503", "/599"].flatMap(
    (path) =>
      (["GET", "HEAD", "application/grpc", "application/grpc+proto", "application/grpc-web"] as const).map(
        (kind): Probe =>
          kind.includes("/")
            ? { method: "POST", path, headers: [["content-type", kind]] }
            : { method: kind, path },
      ),
  ),
];

let fault: string;
let details: string;
beforeAll(async () => {
  [fault, details] = await Promise.all([
    moduleFile("filters/fault"),
    moduleFile("test/filters/guests/details"),
  ]);
});

function ours(entries: readonly HttpEntry[], plugin: build.Json = {}): build.Json {
  return build.wasmFilter({
    plugin,
    name: "fault",
    wasm: fault,
    rootId: "fault",
    vmId: "fault",
    configuration: JSON.stringify({ http: entries }),
  });
}

function listener(name: string, filter: build.Json, routes: readonly build.Json[]): build.Json {
  const window = build.wasmFilter({ name: "details", wasm: details, rootId: "details", vmId: "details" });
  return build.httpListener({ name, filters: [window, filter], routes });
}

const TO_APP = [{ match: { prefix: "/" }, route: { cluster: "app" } }];

/** One script of traffic on three subjects: our module on both engines, and Envoy's own filter behind Envoy's routes. */
describe.skipIf(!inject("envoy"))(`fault acts as Envoy's fault filter (seed ${seed})`, () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  let upstream: RawUpstream;
  let node: ProxyUnderTest;
  let envoy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const clusters = [build.cluster("app", upstream.port)];
    const wasm = CASES.map(([, entries], i) => listener(`wasm-${i}`, ours(entries), TO_APP));
    const native = CASES.map(([, entries], i) =>
      listener(`native-${i}`, FAULT_FILTER, faultRoutes(entries, "app")),
    );
    node = await engines.node.start(build.bootstrap({ listeners: wasm, clusters }));
    envoy = await engines.envoy.start(build.bootstrap({ listeners: [...wasm, ...native], clusters }));
  }, 120_000);
  afterAll(async () => {
    await Promise.all(Object.values(engines).map((engine) => engine.cleanUp()));
    await upstream.close();
  });

  let aborted = 0;
  let passed = 0;

  test.concurrent.each(CASES.map(([name], at) => [name, at] as const))("%s", async (_, at) => {
    const native = await probe(envoy.port(`native-${at}`), PROBES);
    const ofEnvoy = await probe(envoy.port(`wasm-${at}`), PROBES);
    const ofNode = await probe(node.port(`wasm-${at}`), PROBES);
    PROBES.forEach((request, i) => {
      const expected = { request, seen: native[i] };
      expect({ request, seen: ofEnvoy[i] }).toEqual(expected);
      expect({ request, seen: ofNode[i] }).toEqual(expected);
    });
    aborted += native.filter(({ headers }) =>
      headers.some(([, value]) => value === "fault_filter_abort"),
    ).length;
    passed += native.filter(({ body }) => body === "ok").length;
  });

  test("the traffic above was of both kinds", () => {
    console.log(
      `fault: ${CASES.length} lists, ${aborted} aborted and ${passed} passed requests on each of three subjects, seed ${seed}`,
    );
    expect(aborted).toBeGreaterThan(200);
    expect(passed).toBeGreaterThan(200);
  });
});

const LATE_OR_ABORTED: HttpEntry[] = [
  {
    match: [{ uri: { exact: "/slow" } }],
    fault: { delay: { percentage: { value: 100 }, fixedDelay: "250ms" } },
  },
  { match: [{ uri: { exact: "/abort" } }], fault: always({ httpStatus: 503 }) },
];

describeEngines("fault", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  const LISTS: Record<string, HttpEntry[]> = {
    slow: [{ fault: { delay: { percentage: { value: 100 }, fixedDelay: "200ms" } } }],
    both: [
      {
        fault: { delay: { percentage: { value: 100 }, fixedDelay: "200ms" }, ...always({ httpStatus: 418 }) },
      },
    ],
    often: [{ fault: { abort: { percentage: { value: 30 }, httpStatus: 503 } } }],
    long: [
      {
        match: [{ uri: { exact: "/long" } }],
        fault: { delay: { percentage: { value: 100 }, fixedDelay: "1h" } },
      },
    ],
  };

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    proxy = await engine.start(
      build.bootstrap({
        listeners: [
          ...Object.entries(LISTS).map(([name, entries]) =>
            build.httpListener({ name, filters: [ours(entries)], routes: TO_APP }),
          ),
          build.httpListener({
            name: "limits",
            filters: [ours(LATE_OR_ABORTED)],
            routes: [
              {
                match: { prefix: "/" },
                route: { cluster: "app", timeout: "0.3s", retry_policy: { retry_on: "5xx", num_retries: 3 } },
              },
            ],
          }),
          // Bodies then come although the headers are held.
          build.httpListener({
            name: "flagged",
            filters: [ours(LISTS.slow!, { allow_on_headers_stop_iteration: true })],
            routes: TO_APP,
          }),
        ],
        clusters: [build.cluster("app", upstream.port)],
      }),
    );
  });
  afterAll(() => upstream.close());

  async function timed(name: string, request: Probe = {}) {
    const client = await RawClient.connect(proxy.port(name));
    const start = performance.now();
    const response = await client.exchange(request);
    client.close();
    return { status: response.status, text: response.text, ms: performance.now() - start };
  }

  test.each(["slow", "flagged"])("a delayed request arrives late and whole: %s", async (name) => {
    const { status, ms } = await timed(name, { method: "POST", body: "x".repeat(100_000) });
    expect(status).toBe(200);
    expect(ms).toBeGreaterThanOrEqual(200);
    expect(await upstream.requests.at(-1)!.body()).toHaveLength(100_000);
  });

  test("a delayed abort comes after the delay and never reaches the app", async () => {
    const before = upstream.requests.length;
    const { status, text, ms } = await timed("both");
    expect([status, text]).toEqual([418, "fault filter abort"]);
    expect(ms).toBeGreaterThanOrEqual(200);
    expect(upstream.requests.length).toBe(before);
  });

  test("the route's timeout begins when the delay is over", async () => {
    upstream.handler = async (_, reply) => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      reply.send({ body: "late" });
    };
    const { status, text, ms } = await timed("limits", { path: "/slow" });
    upstream.handler = answerOk;
    expect([status, text]).toEqual([200, "late"]);
    expect(ms).toBeGreaterThan(390);
  });

  test("an abort is not tried again", async () => {
    const before = upstream.requests.length;
    const count = () => proxy.stat("wasmcustom.wasm_fault_aborts_injected");
    const aborts = await count();
    expect((await timed("limits", { path: "/abort" })).status).toBe(503);
    expect([await count(), upstream.requests.length]).toEqual([aborts + 1, before]);
  });

  test("200 delayed requests at a time: each waits its own delay, none is lost", async () => {
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => timed("slow", { path: `/${i}` })));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(200);
    expect(Math.min(...all.map(({ ms }) => ms))).toBeGreaterThanOrEqual(200);
    expect(new Set(upstream.requests.slice(-200).map(({ path }) => path)).size).toBe(200);
  });

  test("clients that leave during the delay leave nothing behind", async () => {
    const before = upstream.requests.length;
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => RawClient.connect(proxy.port("long"))),
    );
    for (const client of clients) client.send({ path: "/long" });
    const active = () => proxy.stat("http.long.downstream_rq_active");
    await expect.poll(active, { timeout: 5000 }).toBe(50);
    for (const client of clients) client.reset();
    await expect.poll(active, { timeout: 5000 }).toBe(0);
    expect((await timed("long", { path: "/other" })).status).toBe(200);
    expect(upstream.requests.length).toBe(before + 1);
  });

  test("30 % of 2000 requests are aborted, give or take five standard deviations", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        probe(
          proxy.port("often"),
          Array.from({ length: 200 }, () => ({})),
        ),
      ),
    );
    const aborted = answers.flat().filter(({ status }) => status === 503).length;
    expect(Math.abs(aborted - 600)).toBeLessThan(5 * Math.sqrt(2000 * 0.3 * 0.7));
  });
});
