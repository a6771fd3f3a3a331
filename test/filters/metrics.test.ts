import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RequestInit, ResponseInit, TestHost, TestHostOptions } from "../../host/testing/index";
import { startHost } from "../../host/testing/vitest";
import { inspectModule } from "../../host/vm/inspect";
import { anyConfig, anyRequest, bytes } from "./support/anything";
import { modulePath, moduleSize, rawHeaders, refusals, withFilter } from "./support/filter";

const NODE = {
  metadata: {
    WORKLOAD_NAME: "web-v1",
    NAMESPACE: "shop",
    CLUSTER_ID: "east",
    LABELS: {
      app: "web",
      version: "v1",
      "service.istio.io/canonical-name": "web",
      "service.istio.io/canonical-revision": "v1",
    },
  },
};

function metrics(config: object, more: Partial<TestHostOptions> = {}): Promise<TestHost> {
  return withFilter("metrics", config, { node: NODE, ...more });
}

const counted = (host: TestHost) => host.metrics.filter(({ name }) => name === "istio_requests_total");

function one(host: TestHost) {
  const all = counted(host);
  expect(all.length).toBe(1);
  return all[0]!.labels;
}

/** One request of plain text, and its answer. */
function ask(host: TestHost, request: RequestInit = {}, response: ResponseInit = {}) {
  const headers = { "content-type": "text/plain" };
  const exchange = host.request({ authority: "shop.example:80", headers, ...request });
  exchange.respond(response);
  return exchange;
}

test.each<[unknown, string]>([
  ["", "the configuration is empty"],
  [{}, "reporter: expected a string"],
  [{ reporter: "both" }, 'reporter: expected "destination" or "source"'],
  [{ reporter: "source", series: [] }, "series: unknown or unsupported field (known: reporter, maxSeries, "],
  [{ reporter: "source", peerExchange: 1 }, "peerExchange: expected true or false"],
  [{ reporter: "source", maxSeries: 0 }, "maxSeries: expected a whole number from 1 to 100000"],
])("metrics refuses %j", async (config, why) => {
  const refusal = await refusals("metrics");
  expect(await refusal(config)).toContain(`configuration refused: ${why}`);
});

describe("metrics: labels", () => {
  test("a destination reports itself, its peer as unknown", async () => {
    const host = await metrics({ reporter: "destination" });
    ask(host);
    expect(one(host)).toEqual({
      reporter: "destination",
      source_workload: "unknown",
      source_canonical_service: "unknown",
      source_canonical_revision: "latest",
      source_workload_namespace: "unknown",
      source_principal: "unknown",
      source_app: "unknown",
      source_version: "unknown",
      source_cluster: "unknown",
      destination_workload: "web-v1",
      destination_workload_namespace: "shop",
      destination_principal: "unknown",
      destination_app: "web",
      destination_version: "v1",
      destination_service: "shop.example:80",
      destination_canonical_service: "web",
      destination_canonical_revision: "v1",
      destination_service_name: "shop.example:80",
      destination_service_namespace: "shop",
      destination_cluster: "east",
      request_protocol: "http",
      response_code: "200",
      grpc_response_status: "",
      response_flags: "-",
      connection_security_policy: "none",
    });
  });

  test("a source reports itself, the other end as unknown", async () => {
    const host = await metrics({ reporter: "source" });
    ask(host);
    expect(one(host)).toMatchObject({
      reporter: "source",
      source_workload: "web-v1",
      source_workload_namespace: "shop",
      source_canonical_revision: "v1",
      destination_workload: "unknown",
      destination_canonical_revision: "latest",
      destination_service: "shop.example:80",
      destination_service_namespace: "unknown",
      connection_security_policy: "unknown",
    });
  });

  test("what the node's metadata does not say is empty", async () => {
    const host = await withFilter("metrics", { reporter: "destination" });
    host.request({ rawHeaders: [] }).disconnect();
    expect(one(host)).toMatchObject({
      destination_workload: "",
      destination_canonical_revision: "",
      destination_service: "",
      response_code: "0",
    });
  });

  test.each([
    ["destination", "web"],
    ["source", "unknown"],
  ])("no authority: a %s takes the service for %s", async (reporter, name) => {
    const host = await metrics({ reporter });
    ask(host, { authority: "" });
    expect(one(host)).toMatchObject({ destination_service: name, destination_service_name: name });
  });

  test("a cluster's metadata names the service, read once a cluster", async () => {
    const host = await metrics({ reporter: "source" });
    const to = (clusterName: string, service?: object) =>
      ask(host, {
        route: {
          clusterName,
          clusterMetadata: service && { istio: { services: [{ host: "shop.eu.svc", ...service }] } },
        },
      });
    to("outbound|80||shop", {});
    expect(one(host)).toMatchObject({
      destination_service: "shop.eu.svc",
      destination_service_name: "shop",
      destination_service_namespace: "unknown",
    });
    to("outbound|81||shop", { name: "cart", namespace: "eu" });
    expect(counted(host)[1]!.labels).toMatchObject({
      destination_service: "shop.eu.svc",
      destination_service_name: "cart",
      destination_service_namespace: "eu",
    });
    to("outbound|81||shop");
    expect(counted(host)[1]!.value).toBe(2);
  });

  test.each([
    [{ clusterName: "BlackHoleCluster" }, "BlackHoleCluster"],
    [{ clusterName: "PassthroughCluster" }, "PassthroughCluster"],
    [{ clusterName: "InboundPassthroughCluster" }, "InboundPassthroughCluster"],
    [{ routeName: "block_all" }, "BlackHoleCluster"],
  ])("%j is the service %s", async (route, service) => {
    const host = await metrics({ reporter: "source" });
    ask(host, { route }, { status: 502 });
    expect(one(host)).toMatchObject({
      destination_service: "shop.example:80",
      destination_service_name: service,
    });
  });

  test("mutual TLS: both certificates, the peer's namespace", async () => {
    const host = await metrics({ reporter: "destination" });
    const tls = {
      version: "TLSv1.3",
      mtls: true,
      peerCertificateValid: true,
      uriSanPeer: "spiffe://td/ns/users/sa/web",
    };
    ask(host, { connection: { tls } });
    expect(one(host)).toMatchObject({
      connection_security_policy: "none",
      source_workload_namespace: "users",
    });
    ask(host, { connection: { tls: { ...tls, uriSanLocal: "spiffe://td/ns/shop/sa/web" } } });
    expect(counted(host)[1]!.labels).toMatchObject({
      connection_security_policy: "mutual_tls",
      source_principal: "spiffe://td/ns/users/sa/web",
      destination_principal: "spiffe://td/ns/shop/sa/web",
    });
  });

  test.each([
    ["application/grpc", "grpc", "5"],
    ["application/grpc+proto", "grpc", "5"],
    ["application/grpc-web", "http", ""],
    ["application/grpcx", "http", ""],
  ])("%s is %s", async (type, protocol, status) => {
    const host = await metrics({ reporter: "destination" });
    ask(host, { headers: { "content-type": type } }, { headers: { "grpc-status": "5" } });
    expect(one(host)).toMatchObject({ request_protocol: protocol, grpc_response_status: status });
  });

  test("flags by name, in the order of their bits; no response is code 0", async () => {
    const host = await metrics({ reporter: "destination" });
    const exchange = host.request();
    exchange.info.responseFlags = 0x20 | 0x8000;
    exchange.disconnect();
    expect(one(host)).toMatchObject({ response_flags: "UF,DC,URX", response_code: "0" });
  });
});

describe("metrics: counting", () => {
  test("four series a label set; milliseconds are cut off", async () => {
    const host = await metrics({ reporter: "destination" });
    for (let i = 0; i < 2; i++) {
      const rawHeaders = { ":authority": "a", ":path": "/", ":method": "POST", ":scheme": "http" };
      const exchange = host.request({ rawHeaders, body: "x".repeat(100) });
      host.advance(12.9);
      exchange.respond({ body: "y".repeat(50) });
    }
    // Header bytes count too: names and values, without separators.
    expect(new Map(host.metrics.map(({ name, value, values }) => [name, [value, ...values]]))).toEqual(
      new Map([
        ["istio_build", [1]],
        ["istio_requests_total", [2]],
        ["istio_request_duration_milliseconds", [2, 12, 12]],
        ["istio_request_bytes", [2, 139, 139]],
        ["istio_response_bytes", [2, 60, 60]],
      ]),
    );
  });

  test("a request that never became complete still has a duration here, as in Envoy", async () => {
    const host = await metrics({ reporter: "destination" });
    host.request().disconnect();
    expect(host).toHaveCounted("istio_request_duration_milliseconds");
  });

  test("past maxSeries label sets everything new counts in one series, and the sum stays right", async () => {
    const host = await metrics({ reporter: "destination", maxSeries: 3 });
    for (let i = 0; i < 10; i++) ask(host, { authority: `host-${i}` });
    ask(host, { authority: "host-1" });
    const all = counted(host);
    expect(all.map(({ labels, value }) => [labels.destination_service, value])).toEqual([
      ["host-0", 1],
      ["host-1", 2],
      ["host-2", 1],
      ["other", 7],
    ]);
    expect(all[3]!.labels).toMatchObject({
      reporter: "destination",
      destination_workload: "web-v1",
      response_code: "other",
    });
    expect(host.logs("more than 3 sets of labels")).toHaveLength(1);
  });

  test("a value cannot end itself and add labels", async () => {
    const host = await metrics({ reporter: "destination" });
    ask(host, { authority: "x;.;response_code=.=999;.;" });
    expect(one(host)).toMatchObject({
      destination_service: "x;_;response_code=_=999;_;",
      response_code: "200",
    });
  });
});

describe("metrics: cost", () => {
  /** Hostcalls of the second of two equal exchanges, by name. */
  async function calls(config: object, request: RequestInit = {}): Promise<Record<string, number>> {
    const host = await metrics(config);
    const plain = { headers: {}, ...request };
    ask(host, plain);
    host.trace.length = 0;
    ask(host, plain);
    const counts: Record<string, number> = {};
    for (const line of host.trace) {
      const name = / {2}==> (proxy_\w+)\(/.exec(line)?.[1];
      if (name) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  test("a destination: all facts in one call, no property by itself", async () => {
    expect(await calls({ reporter: "destination" })).toEqual({
      proxy_get_header_map_value: 2,
      proxy_call_foreign_function: 1,
      proxy_increment_metric: 1,
      proxy_record_metric: 3,
    });
    expect(await calls({ reporter: "destination", peerExchange: false })).toHaveProperty(
      "proxy_get_header_map_value",
      1,
    );
  });

  test("a source: its cluster and the endpoint's metadata besides", async () => {
    expect(await calls({ reporter: "source" }, { route: { clusterName: "app" } })).toEqual({
      proxy_get_property: 2,
      proxy_get_header_map_value: 2,
      proxy_call_foreign_function: 1,
      proxy_increment_metric: 1,
      proxy_record_metric: 3,
    });
  });

  test("a proxy without expressions gives the same series, from single properties", async () => {
    const tls = {
      version: "TLSv1.3",
      mtls: true,
      peerCertificateValid: true,
      uriSanPeer: "spiffe://td/ns/a/sa/b",
      uriSanLocal: "spiffe://td/ns/c/sa/d",
    };
    const seen = async (allowedCapabilities?: string[]) => {
      const host = await startHost({
        node: NODE,
        plugins: {
          module: modulePath("metrics"),
          rootId: "metrics",
          configuration: { reporter: "destination" },
          ...(allowedCapabilities && { allowedCapabilities }),
        },
      });
      ask(host, { connection: { tls }, route: { clusterName: "app" } });
      ask(host, { route: { routeName: "block_all" } }, { status: 502 });
      const grpc = { "content-type": "application/grpc+proto" };
      ask(host, { headers: grpc }, { headers: { "grpc-status": "3" } });
      host.request({ rawHeaders: [] }).disconnect();
      return host.metrics.map(({ rawName, value, values }) => ({ rawName, value, values }));
    };
    const without = (await modulesImports()).filter((name) => name !== "proxy_call_foreign_function");
    expect(await seen(without)).toEqual(await seen());
  });
});

/** What the module may call and be called by. */
async function modulesImports(): Promise<string[]> {
  const { imports, exports } = inspectModule(readFileSync(modulePath("metrics")));
  return [...imports, ...exports].map(({ name }) => name);
}

describe("metrics: no trap", () => {
  test("whatever the configuration", async () => {
    const refusal = await refusals("metrics");
    const keys =
      "reporter maxSeries peerExchange metrics overrides match metric mode disabled tagOverrides a operation value reportingInterval providers name".split(
        " ",
      );
    const any = anyConfig(keys, [
      "source",
      "destination",
      "UPSERT",
      "request.host",
      "'x'",
      "1s",
      "REQUEST_COUNT",
    ]);
    await fc.assert(
      fc.asyncProperty(any, async (config) => void (await refusal(config))),
      { numRuns: 500 },
    );
  });

  const overrides = [
    {
      tagOverrides: { role: { value: "request.headers['x-role']" }, response_flags: { operation: "REMOVE" } },
    },
  ];
  test.each<object>([
    { reporter: "destination" },
    { reporter: "source", appMetrics: true, metrics: [{ overrides }] },
    {
      reporter: "destination",
      disableHostHeaderFallback: true,
      peerExchange: false,
      metrics: [{ overrides }],
    },
  ])("whatever the exchange: %j", async (config) => {
    const host = await metrics({ ...config, maxSeries: 100 }, { trace: false });
    const tls = fc.record({
      version: bytes,
      mtls: fc.boolean(),
      peerCertificateValid: fc.boolean(),
      uriSanPeer: bytes,
      uriSanLocal: bytes,
    });
    const route = fc.record({ clusterName: fc.option(bytes, { nil: undefined }), routeName: bytes });
    const facts = fc.record({
      connection: fc.record({ tls: fc.option(tls, { nil: undefined }) }),
      route: fc.option(route, { nil: undefined }),
    });
    const flags = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    const status = fc.constantFrom(0, 200, 999, 99_999_999);
    fc.assert(
      fc.property(anyRequest, facts, flags, status, (headers, { connection, route }, bits, code) => {
        const raw = rawHeaders(headers);
        const exchange = host.request({ rawHeaders: raw, connection, ...(route && { route }) });
        exchange.info.responseFlags = bits;
        exchange.respond({ status: code, headers: raw });
      }),
      { numRuns: 2000 },
    );
  });

  test("the module stays under 64 KiB", () => {
    expect(moduleSize("metrics")).toBeLessThan(65_536);
  });
});
