import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { EngineUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "../support/module-file";
import { FAULT_FILTER, nativeFaultFilter } from "../support/native-fault";
import { type Probe, probe } from "../support/subjects";

/** What Envoy's filter has per route, cluster and node, and in its runtime: ours in its configuration. */
interface Case {
  /** Our configuration. */
  config: object;
  /** Envoy's filter; its routes have `native` in place of ours. */
  filter?: build.Json;
  routes?: { ours: build.Json[]; native: build.Json[] };
  /** Envoy's runtime. */
  runtime?: Record<string, unknown>;
  probes: Probe[];
}

const HTTP_FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const percent = (numerator: number) => ({ numerator, denominator: "HUNDRED" });
const abort = (httpStatus: number, value = 100) => ({ abort: { percentage: { value }, httpStatus } });
const nativeAbort = (http_status: number, share = 100) => ({
  abort: { http_status, percentage: percent(share) },
});
const toApp = (match: build.Json, more: build.Json = {}): build.Json => ({
  match,
  route: { cluster: "app" },
  ...more,
});
const perRoute = (fault: object): build.Json => ({
  typed_per_filter_config: { "envoy.filters.http.fault": { "@type": HTTP_FAULT, ...fault } },
});
const REST = toApp({ prefix: "/" });
const paths = (...list: string[]): Probe[] => list.map((path) => ({ path }));
const as = (cluster?: string, more: Probe = {}): Probe => ({
  ...more,
  headers: [
    ...(more.headers ?? []),
    ...(cluster === undefined ? [] : [["x-envoy-downstream-service-cluster", cluster] as [string, string]]),
  ],
});
const GRPC: Probe = { method: "POST", headers: [["content-type", "application/grpc"]] };
const FROM = [as(), as("a"), as("b"), as("")];

/** Routes by name, their own fault in Envoy's form. */
const named = (faults: Record<string, object | undefined>) => {
  const list = Object.entries(faults);
  const route = (name: string, more: build.Json = {}) => toApp({ prefix: `/${name}` }, { name, ...more });
  return {
    ours: [...list.map(([name]) => route(name)), REST],
    native: [...list.map(([name, fault]) => route(name, fault && perRoute(fault))), REST],
  };
};

const underRuntime = (
  ours: object,
  native: build.Json,
  runtime: Record<string, unknown>,
  probes: Probe[] = FROM,
): Case => ({
  config: { http: [{ fault: ours }], runtime },
  filter: nativeFaultFilter(native),
  runtime,
  probes,
});

const CASES: Record<string, Case> = {
  "by the route's name": {
    config: {
      http: [
        { match: [{ routeName: { exact: "one" } }], fault: abort(411) },
        { match: [{ routeName: { exact: "two" } }] },
        { match: [{ routeName: { exact: "three" }, headers: { "x-a": {} } }], fault: abort(413) },
        { match: [{ routeName: { exact: "three" } }] },
        { fault: abort(410) },
      ],
    },
    filter: nativeFaultFilter(nativeAbort(410)),
    routes: named({
      one: nativeAbort(411),
      // An empty fault of the route's own: none.
      two: {},
      three: { ...nativeAbort(413), headers: [{ name: "x-a", present_match: true }] },
      four: undefined,
    }),
    probes: [...paths("/one", "/two", "/three", "/four", "/"), { path: "/three", headers: [["x-a", "1"]] }],
  },
  "by the cluster's name": {
    config: { http: [{ match: [{ upstreamCluster: { exact: "app" } }], fault: abort(418) }] },
    filter: nativeFaultFilter({ ...nativeAbort(418), upstream_cluster: "app" }),
    routes: (() => {
      const list = [
        { match: { prefix: "/other" }, route: { cluster: "other" } },
        { match: { prefix: "/direct" }, direct_response: { status: 204 } },
        REST,
      ];
      return { ours: list, native: list };
    })(),
    probes: paths("/", "/other", "/direct"),
  },
  "by the node that asks": {
    config: { http: [{ match: [{ downstreamNodes: ["a", "b"] }], fault: abort(418) }] },
    filter: nativeFaultFilter({ ...nativeAbort(418), downstream_nodes: ["a", "b"] }),
    probes: [
      {},
      ...[["a"], ["b"], ["c"], [""], ["a", "c"], ["A"]].map(
        (nodes): Probe => ({ headers: nodes.map((node) => ["x-envoy-downstream-service-node", node]) }),
      ),
    ],
  },
  "runtime: how often": underRuntime(abort(418, 0), nativeAbort(418, 0), {
    "fault.http.abort.abort_percent": 100,
  }),
  "runtime: never": underRuntime(abort(418), nativeAbort(418), { "fault.http.abort.abort_percent": 0 }),
  "runtime: a fraction": underRuntime(abort(418, 0), nativeAbort(418, 0), {
    "fault.http.abort.abort_percent": { numerator: 1_000_000, denominator: "MILLION" },
  }),
  "runtime: which status": underRuntime(
    abort(418),
    nativeAbort(418),
    { "fault.http.abort.http_status": 503, "fault.http.abort.grpc_status": 5 },
    [as(), GRPC, as("a")],
  ),
  "runtime: which gRPC status": underRuntime(
    { abort: { percentage: { value: 100 }, grpcStatus: "NOT_FOUND" } },
    { abort: { grpc_status: 5, percentage: percent(100) } },
    { "fault.http.abort.http_status": 503, "fault.http.abort.grpc_status": 14 },
    [as(), GRPC, as("a", GRPC)],
  ),
  "runtime: a cluster's own share": underRuntime(abort(418), nativeAbort(418), {
    "fault.http.abort.abort_percent": 0,
    "fault.http.a.abort.abort_percent": 100,
  }),
  "runtime: a cluster's own share is none": underRuntime(abort(418, 0), nativeAbort(418, 0), {
    "fault.http.abort.abort_percent": 100,
    "fault.http.a.abort.abort_percent": 0,
  }),
  "runtime: a cluster's own status": underRuntime(
    abort(418),
    nativeAbort(418),
    {
      "fault.http.abort.http_status": 503,
      "fault.http.a.abort.http_status": 501,
      "fault.http.a.abort.grpc_status": 7,
    },
    [...FROM, as("a", GRPC)],
  ),
  "runtime: how long": underRuntime(
    { delay: { percentage: { value: 100 }, fixedDelay: "0.8s" }, ...abort(418) },
    { delay: { fixed_delay: "0.8s", percentage: percent(100) }, ...nativeAbort(418) },
    { "fault.http.delay.fixed_duration_ms": 1, "fault.http.a.delay.fixed_duration_ms": 0 },
  ),
  "runtime: how often late": underRuntime(
    { delay: { percentage: { value: 100 }, fixedDelay: "0.8s" }, ...abort(418) },
    { delay: { fixed_delay: "0.8s", percentage: percent(100) }, ...nativeAbort(418) },
    { "fault.http.delay.fixed_delay_percent": 0, "fault.http.a.delay.fixed_delay_percent": 0 },
  ),
  "runtime: how many": underRuntime(abort(418), nativeAbort(418), { "fault.http.max_active_faults": 0 }),
  "runtime: how often slow": underRuntime(
    { responseRateLimit: { percentage: { value: 100 }, limitKbps: 1 }, ...abort(418) },
    {
      response_rate_limit: { fixed_limit: { limit_kbps: 1 }, percentage: percent(100) },
      ...nativeAbort(418),
    },
    { "fault.http.rate_limit.response_percent": 0 },
  ),
  "runtime does not make a fault": underRuntime(abort(418, 0), nativeAbort(418, 0), {
    "fault.http.delay.fixed_delay_percent": 100,
    "fault.http.delay.fixed_duration_ms": 3_600_000,
  }),
};

/** What is seen, and whether it took about as long as the delays here do; Envoy may be a little early. */
async function timed(port: number, probes: readonly Probe[]): Promise<object[]> {
  const all: object[] = [];
  for (const request of probes) {
    const start = performance.now();
    const [seen] = await probe(port, [request]);
    all.push({ ...seen, late: performance.now() - start >= 700 });
  }
  return all;
}

describe.skipIf(!inject("envoy"))("fault: which requests, and the runtime", () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  let upstream: RawUpstream;
  let wasm: string;
  beforeAll(async () => {
    wasm = await moduleFile("filters/fault");
    upstream = await RawUpstream.start();
  });
  // Two proxies a case: none outlives it.
  afterEach(() => Promise.all(Object.values(engines).map((engine) => engine.cleanUp())));
  afterAll(() => upstream.close());

  test.each(Object.entries(CASES))(
    "%s",
    async (_, { config, filter = FAULT_FILTER, routes, runtime, probes }) => {
      const ours = build.wasmFilter({
        name: "fault",
        wasm,
        rootId: "fault",
        vmId: "fault",
        configuration: JSON.stringify(config),
      });
      const listeners = {
        ours: build.httpListener({ name: "ours", filters: [ours], routes: routes?.ours ?? [REST] }),
        native: build.httpListener({ name: "native", filters: [filter], routes: routes?.native ?? [REST] }),
      };
      const clusters = [build.cluster("app", upstream.port), build.cluster("other", upstream.port)];
      const layers = { layered_runtime: { layers: [{ name: "static", static_layer: runtime ?? {} }] } };
      const envoy = await engines.envoy.start(
        build.bootstrap({ listeners: Object.values(listeners), clusters, more: layers }),
      );
      const node = await engines.node.start(build.bootstrap({ listeners: [listeners.ours], clusters }));
      const native = await timed(envoy.port("native"), probes);
      const ofEnvoy = await timed(envoy.port("ours"), probes);
      const ofNode = await timed(node.port("ours"), probes);
      for (const [i, request] of probes.entries()) {
        const expected = { request, seen: native[i] };
        expect({ request, seen: ofEnvoy[i] }).toEqual(expected);
        expect({ request, seen: ofNode[i] }).toEqual(expected);
      }
    },
  );
});
