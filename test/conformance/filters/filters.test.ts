import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootstrap, cluster, httpListener, type Json, wasmFilter } from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import type { RawHeaders } from "../../support/http-message";
import { exchange, type RawRequest } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";

const ROUTES = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
const abort = (status: number) => ({ abort: { percentage: { value: 100 }, httpStatus: status } });
const filter = (name: string, configuration: unknown) =>
  wasmFilter({
    name,
    rootId: name,
    vmId: name,
    wasm: `build/filters/${name}.wasm`,
    configuration: JSON.stringify(configuration),
  });

/** One listener of its own for every configuration under test. */
const listenerOf = (name: string, kind: string, configuration: unknown): Json =>
  httpListener({ name, filters: [filter(kind, configuration)], routes: ROUTES });

const match = (block: unknown) => [{ match: [block], fault: abort(418) }];
const FAULTS: Record<string, unknown> = {
  abort: [{ fault: abort(503) }],
  unavailable: [{ fault: { abort: { percentage: { value: 100 }, grpcStatus: "NOT_FOUND" } } }],
  never: [{ fault: { abort: { percentage: { value: 0 }, httpStatus: 500 } } }],
  nopercent: [{ fault: { abort: { httpStatus: 500 } } }],
  both: [{ fault: { delay: { percentage: { value: 100 }, fixedDelay: "0.2s" }, ...abort(418) } }],
  first: [{ match: [{ uri: { prefix: "/a" } }], fault: abort(418) }, { fault: abort(410) }],
  exact: match({ uri: { exact: "/A" }, ignoreUriCase: true }),
  prefix: match({ uri: { prefix: "/foo" } }),
  regex: match({ uri: { regex: "/v[0-9]+/.*" } }),
  method: match({ method: { exact: "POST" } }),
  authority: match({ authority: { prefix: "shop." } }),
  header: match({ headers: { "X-Test": { exact: "b" } } }),
  presence: match({ headers: { "x-test": {} } }),
  without: match({ withoutHeaders: { "x-test": { exact: "1" } } }),
  withoutany: match({ withoutHeaders: { "x-test": { regex: ".*" } } }),
  query: match({ queryParams: { k: { exact: "v" } } }),
};

const lines = (...values: string[]): RawHeaders => values.map((value) => ["x-test", value]);
/** Configuration, request, expected status. */
const FAULT_CASES: [config: string, request: RawRequest, status: number][] = [
  ["never", {}, 200],
  ["nopercent", {}, 200],
  ["both", {}, 418],
  ["first", { path: "/a1" }, 418],
  ["first", { path: "/b" }, 410],
  ["exact", { path: "/a?x=/b" }, 418],
  ["exact", { path: "/ab" }, 200],
  ["prefix", { path: "/foobar" }, 418],
  ["prefix", { path: "/Foo" }, 200],
  ["regex", { path: "/v12/x" }, 418],
  ["regex", { path: "/x/v12/x" }, 200],
  ["method", { method: "POST", body: "" }, 418],
  ["method", {}, 200],
  ["authority", { host: "shop.example" }, 418],
  ["authority", { host: "a.example" }, 200],
  ["header", { headers: lines("b") }, 418],
  ["header", { headers: lines("a", "b") }, 418],
  ["header", { headers: lines("a,b") }, 200],
  ["header", {}, 200],
  ["presence", { headers: lines("") }, 418],
  ["presence", {}, 200],
  ["without", {}, 418],
  ["without", { headers: lines("2") }, 418],
  ["without", { headers: lines("1") }, 200],
  ["withoutany", {}, 200],
  ["query", { path: "/?k=v" }, 418],
  ["query", { path: "/?k=w&k=v" }, 200],
];

const policy = (name: string, spec: unknown) => ({ metadata: { name, namespace: "n" }, spec });
const to = (operation: unknown) => [{ to: [{ operation }] }];
const role = (more: unknown) => [{ when: [{ key: "request.headers[x-test]", ...(more as object) }] }];
const POLICIES: Record<string, unknown[]> = {
  nothing: [],
  denyall: [policy("p", {})],
  allowall: [policy("p", { rules: [{}] })],
  denyrule: [policy("p", { action: "DENY", rules: to({ methods: ["DELETE"], paths: ["/a*"] }) })],
  order: [policy("a", { rules: [{}] }), policy("d", { action: "DENY", rules: to({ paths: ["/no"] }) })],
  allowone: [policy("p", { rules: to({ paths: ["/pub/*", "*.css"] }) })],
  notpaths: [policy("p", { action: "DENY", rules: to({ notPaths: ["/ok"] }) })],
  template: [policy("p", { rules: to({ paths: ["/u/{*}/x", "/t/{**}"] }) })],
  hosts: [policy("p", { rules: to({ hosts: ["FOO.example", "*.bar"] }) })],
  guest: [policy("p", { action: "DENY", rules: role({ values: ["guest"] }) })],
  admin: [policy("p", { rules: role({ values: ["admin"] }) })],
  notadmin: [policy("p", { action: "DENY", rules: role({ notValues: ["admin"] }) })],
  ip: [policy("p", { rules: [{ from: [{ source: { ipBlocks: ["127.0.0.0/8"] } }] }] })],
  otherip: [policy("p", { rules: [{ from: [{ source: { ipBlocks: ["10.0.0.0/8"] } }] }] })],
};
const AUTHZ_CASES: [config: string, request: RawRequest, status: number][] = [
  ["nothing", {}, 200],
  ["denyall", {}, 403],
  ["allowall", {}, 200],
  ["denyrule", { method: "DELETE", path: "/abc" }, 403],
  ["denyrule", { method: "DELETE", path: "/b" }, 200],
  ["denyrule", { path: "/abc" }, 200],
  ["order", { path: "/no" }, 403],
  ["order", { path: "/no?x" }, 403],
  ["order", { path: "/yes" }, 200],
  ["allowone", { path: "/pub/x" }, 200],
  ["allowone", { path: "/a.css?v=1" }, 200],
  ["allowone", { path: "/priv" }, 403],
  ["notpaths", { path: "/ok" }, 200],
  ["notpaths", { path: "/ok2" }, 403],
  ["template", { path: "/u/7/x" }, 200],
  ["template", { path: "/u/7/8/x" }, 403],
  ["template", { path: "/t/a/b/c" }, 200],
  ["hosts", { host: "foo.EXAMPLE" }, 200],
  ["hosts", { host: "foo.example:8080" }, 403],
  ["hosts", { host: "a.bar" }, 200],
  ["guest", { headers: lines("guest", "admin") }, 403],
  ["guest", { headers: lines("admin", "guest") }, 403],
  ["guest", { headers: lines("admin,guest") }, 200],
  ["guest", {}, 200],
  ["admin", { headers: lines("guest", "admin") }, 200],
  ["admin", {}, 403],
  ["notadmin", {}, 403],
  ["notadmin", { headers: lines("admin") }, 200],
  ["ip", {}, 200],
  ["otherip", {}, 403],
];

/** Each must be refused at start, with the field named. */
const REFUSED: [kind: string, configuration: unknown, message: string][] = [
  ["fault", {}, "http: missing"],
  ["fault", { http: [{ fault: { abort: { httpStatus: 99 } } }] }, "http[0].fault.abort.httpStatus"],
  ["fault", { http: [{ fault: { delay: { fixedDelay: "x" } } }] }, "http[0].fault.delay.fixedDelay"],
  ["fault", { http: [{ match: [{ uri: { regex: "(" } }] }] }, "http[0].match[0].uri.regex"],
  ["authz", { policies: [policy("p", { action: "LOG" })] }, "policies[0].spec.action"],
  [
    "authz",
    { policies: [policy("p", { rules: [{ from: [{ source: { principal: ["*"] } }] }] })] },
    "policies[0].spec.rules[0].from[0].source.principal",
  ],
  ["authz", { policies: [policy("p", { action: "DENY" })] }, "policies[0].spec.rules"],
  ["metrics", { reporter: "me" }, "reporter"],
];

describeEngines("Ready-made filters", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    proxy = await engine.start(
      bootstrap({
        listeners: [
          ...Object.entries(FAULTS).map(([name, http]) => listenerOf(name, "fault", { http })),
          ...Object.entries(POLICIES).map(([name, policies]) =>
            listenerOf(`z-${name}`, "authz", { policies }),
          ),
          ...["destination", "source"].map((reporter) => listenerOf(reporter, "metrics", { reporter })),
        ],
        clusters: [cluster("app", upstream.port)],
      }),
    );
  });
  afterAll(() => upstream?.close());

  const shown = (request: RawRequest) => JSON.stringify(request);

  describe("fault", () => {
    test.each(
      FAULT_CASES.map(([config, request, status]) => [config, shown(request), status, request] as const),
    )("%s: %s gives %i", async (config, _, status, request) => {
      expect((await exchange(proxy.port(config), request)).status).toBe(status);
    });

    test("an abort is text with its length; HEAD gets the same headers only", async () => {
      const response = await exchange(proxy.port("abort"));
      expect([response.status, response.text]).toEqual([503, "fault filter abort"]);
      expect(response.header("content-type")).toBe("text/plain");
      const head = await exchange(proxy.port("abort"), { method: "HEAD" });
      expect([head.status, head.header("content-length")]).toEqual([503, "18"]);
    });

    test("an abort of a gRPC request is a trailers-only answer", async () => {
      const headers: RawHeaders = [["content-type", "application/grpc+proto"]];
      const response = await exchange(proxy.port("abort"), { method: "POST", headers, body: "" });
      expect(response.status).toBe(200);
      expect(response.header("grpc-status")).toBe("14");
      expect(response.header("grpc-message")).toBe("fault filter abort");
    });

    test("grpcStatus: the code for gRPC, 200 with a body for others", async () => {
      const headers: RawHeaders = [["content-type", "application/grpc"]];
      const grpc = await exchange(proxy.port("unavailable"), { method: "POST", headers, body: "" });
      expect(grpc.header("grpc-status")).toBe("5");
      const plain = await exchange(proxy.port("unavailable"));
      expect([plain.status, plain.text, plain.header("grpc-status")]).toEqual([
        200,
        "fault filter abort",
        undefined,
      ]);
    });

    test("an abort comes after the delay", async () => {
      const began = performance.now();
      expect((await exchange(proxy.port("both"))).status).toBe(418);
      expect(performance.now() - began).toBeGreaterThanOrEqual(195);
    });
  });

  describe("authz", () => {
    test.each(
      AUTHZ_CASES.map(([config, request, status]) => [config, shown(request), status, request] as const),
    )("%s: %s gives %i", async (config, _, status, request) => {
      const response = await exchange(proxy.port(`z-${config}`), request);
      expect(response.status).toBe(status);
      if (status === 403) expect(response.text).toBe("RBAC: access denied");
    });
  });

  test.each(["destination", "source"])("metrics: a request as its %s reports it", async (reporter) => {
    await exchange(proxy.port(reporter), { host: "svc.ns:80" });
    const wanted = [
      `reporter=.=${reporter};.;`,
      "destination_service=.=svc.ns:80;.;",
      "response_code=.=200;.;",
    ];
    await expect
      .poll(async () => {
        const stats = await proxy.admin("/stats?filter=istio_requests_total");
        return stats.split("\n").filter((line) => wanted.every((part) => line.includes(part)));
      })
      .toHaveLength(1);
  });

  test.each(REFUSED)("%s refuses %j, naming the field", async (kind, configuration, message) => {
    const config = bootstrap({
      listeners: [listenerOf("l", kind, configuration)],
      clusters: [cluster("app", upstream.port)],
    });
    const error = await engine.start(config).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error).toBeDefined();
    expect(engine.lastLog.lines.map((line) => line.message).join("\n")).toContain(message);
  });
});
