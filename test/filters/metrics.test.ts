import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyConfig, anyRequest, bytes } from "./support/anything";
import { FilterHost, moduleOf } from "./support/filter-host";

function int(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(BigInt(value));
  return buffer;
}

/** A metric's encoded name taken apart: its labels and what is left. */
function decode(name: string): { labels: Record<string, string>; name: string } {
  const parts = name.split(";.;");
  const rest = parts.pop()!;
  return {
    labels: Object.fromEntries(parts.map((part) => part.split("=.=") as [string, string])),
    name: rest,
  };
}

function counted(host: FilterHost): { labels: Record<string, string>; value: number }[] {
  return [...host.metrics]
    .map(([name, values]) => ({ ...decode(name), value: Number(values.reduce((sum, each) => sum + each)) }))
    .filter(({ name }) => name === "istio_requests_total");
}

async function metrics(config: object): Promise<FilterHost> {
  const host = await FilterHost.load("metrics");
  const node: Record<string, string> = {
    WORKLOAD_NAME: "web-v1",
    NAMESPACE: "shop",
    CLUSTER_ID: "east",
    "LABELS.app": "web",
    "LABELS.version": "v1",
    "LABELS.service.istio.io/canonical-name": "web",
    "LABELS.service.istio.io/canonical-revision": "v1",
  };
  for (const [key, value] of Object.entries(node))
    host.properties.set(`xds.node.metadata.${key}`, Buffer.from(value));
  host.properties.set("request.duration", int(12_345_678));
  const refusal = host.configure(JSON.stringify(config));
  if (refusal) throw new Error(refusal);
  return host;
}

function one(host: FilterHost): Record<string, string> {
  const all = counted(host);
  expect(all.length).toBe(1);
  return all[0]!.labels;
}

test.each<[unknown, string]>([
  ["", "the configuration is empty"],
  [{}, "reporter: expected a string"],
  [{ reporter: "both" }, 'reporter: expected "destination" or "source"'],
  [{ reporter: "source", metrics: [] }, "metrics: unknown or unsupported field (known: reporter, maxSeries)"],
  [{ reporter: "source", maxSeries: 0 }, "maxSeries: expected a whole number from 1 to 100000"],
])("metrics refuses %j", async (config, why) => {
  const host = await FilterHost.load("metrics");
  const refusal = host.configure(typeof config === "string" ? config : JSON.stringify(config));
  expect(refusal).toContain(`configuration refused: ${why}`);
});

describe("metrics: labels", () => {
  const ask = (host: FilterHost, authority = "shop.example:80", type = "text/plain") => {
    host.requestHeaders([
      [":authority", authority],
      ["content-type", type],
    ]);
    host.end([[":status", "200"]]);
  };

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
    const host = await FilterHost.with("metrics", { reporter: "destination" });
    host.requestHeaders([]);
    host.end();
    expect(one(host)).toMatchObject({
      destination_workload: "",
      destination_canonical_revision: "",
      destination_service: "",
      response_code: "0",
    });
  });

  test("no authority: the canonical service, or unknown to a source", async () => {
    for (const [reporter, name] of [
      ["destination", "web"],
      ["source", "unknown"],
    ]) {
      const host = await metrics({ reporter });
      host.requestHeaders([[":authority", ""]]);
      host.end();
      expect(one(host)).toMatchObject({ destination_service: name, destination_service_name: name });
    }
  });

  test("a cluster's metadata names the service, read once a cluster", async () => {
    const host = await metrics({ reporter: "source" });
    host.properties.set("xds.cluster_name", Buffer.from("outbound|80||shop"));
    const field = "xds.cluster_metadata.filter_metadata.istio.services.0";
    host.properties.set(`${field}.host`, Buffer.from("shop.eu.svc"));
    ask(host);
    expect(one(host)).toMatchObject({
      destination_service: "shop.eu.svc",
      destination_service_name: "shop",
      destination_service_namespace: "unknown",
    });
    host.properties.set("xds.cluster_name", Buffer.from("outbound|81||shop"));
    host.properties.set(`${field}.name`, Buffer.from("cart"));
    host.properties.set(`${field}.namespace`, Buffer.from("eu"));
    ask(host);
    expect(counted(host)[1]!.labels).toMatchObject({
      destination_service: "shop.eu.svc",
      destination_service_name: "cart",
      destination_service_namespace: "eu",
    });
    host.properties.delete(`${field}.host`);
    ask(host);
    expect(counted(host)[1]!.value).toBe(2);
  });

  test.each([
    ["xds.cluster_name", "BlackHoleCluster", "BlackHoleCluster"],
    ["xds.cluster_name", "PassthroughCluster", "PassthroughCluster"],
    ["xds.cluster_name", "InboundPassthroughCluster", "InboundPassthroughCluster"],
    ["xds.route_name", "block_all", "BlackHoleCluster"],
  ])("%s %s is the service %s", async (property, value, service) => {
    const host = await metrics({ reporter: "source" });
    host.properties.set(property, Buffer.from(value));
    ask(host);
    expect(one(host)).toMatchObject({
      destination_service: "shop.example:80",
      destination_service_name: service,
    });
  });

  test("mutual TLS: both certificates, the peer's namespace", async () => {
    const host = await metrics({ reporter: "destination" });
    host.properties.set("connection.mtls", Buffer.of(1));
    host.properties.set("connection.uri_san_peer_certificate", Buffer.from("spiffe://td/ns/users/sa/web"));
    ask(host);
    expect(one(host)).toMatchObject({
      connection_security_policy: "none",
      source_workload_namespace: "users",
    });
    host.properties.set("connection.uri_san_local_certificate", Buffer.from("spiffe://td/ns/shop/sa/web"));
    ask(host);
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
    host.properties.set("response.grpc_status", int(5));
    ask(host, "a", type);
    expect(one(host)).toMatchObject({ request_protocol: protocol, grpc_response_status: status });
  });

  test("flags by name, in the order of their bits; no response is code 0", async () => {
    const host = await metrics({ reporter: "destination" });
    host.properties.set("response.flags", int(0x20 | 0x8000));
    host.requestHeaders([]);
    host.end();
    expect(one(host)).toMatchObject({ response_flags: "UF,URX", response_code: "0" });
  });
});

describe("metrics: counting", () => {
  test("four series a label set; milliseconds are cut off", async () => {
    const host = await metrics({ reporter: "destination" });
    host.properties.set("request.total_size", int(120));
    host.properties.set("response.total_size", int(60));
    for (let i = 0; i < 2; i++) {
      host.requestHeaders([[":authority", "a"]]);
      host.end([[":status", "200"]]);
    }
    const values = new Map([...host.metrics].map(([name, list]) => [decode(name).name, list]));
    expect(values).toEqual(
      new Map([
        ["istio_requests_total", [1n, 1n]],
        ["istio_request_duration_milliseconds", [12n, 12n]],
        ["istio_request_bytes", [120n, 120n]],
        ["istio_response_bytes", [60n, 60n]],
      ]),
    );
  });

  test("a request that never became complete has no duration", async () => {
    const host = await metrics({ reporter: "destination" });
    host.properties.delete("request.duration");
    host.requestHeaders([]);
    host.end();
    expect([...host.metrics.keys()].map((name) => decode(name).name)).not.toContain(
      "istio_request_duration_milliseconds",
    );
  });

  test("past maxSeries label sets everything new counts in one series, and the sum stays right", async () => {
    const host = await metrics({ reporter: "destination", maxSeries: 3 });
    for (let i = 0; i < 10; i++) {
      host.requestHeaders([[":authority", `host-${i}`]]);
      host.end([[":status", "200"]]);
    }
    host.requestHeaders([[":authority", "host-1"]]);
    host.end([[":status", "200"]]);
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
    expect(host.log.filter((line) => line.includes("more than 3 sets of labels"))).toHaveLength(1);
  });

  test("a value cannot end itself and add labels", async () => {
    const host = await metrics({ reporter: "destination" });
    host.requestHeaders([[":authority", "x;.;response_code=.=999;.;"]]);
    host.end([[":status", "200"]]);
    expect(one(host)).toMatchObject({
      destination_service: "x;_;response_code=_=999;_;",
      response_code: "200",
    });
  });
});

describe("metrics: no trap", () => {
  test("whatever the configuration", async () => {
    const host = await FilterHost.load("metrics");
    fc.assert(
      fc.property(
        anyConfig(["reporter", "maxSeries"], ["source", "destination"]),
        (config) => void host.configure(config),
      ),
      { numRuns: 500 },
    );
  });

  test("whatever the exchange", async () => {
    const host = await metrics({ reporter: "destination", maxSeries: 100 });
    const property = fc.constantFrom(
      "response.flags",
      "response.grpc_status",
      "request.duration",
      "request.total_size",
      "connection.mtls",
      "connection.uri_san_peer_certificate",
      "xds.cluster_name",
      "xds.route_name",
      "response.code",
    );
    const value = fc.oneof(
      bytes.map((text) => Buffer.from(text, "latin1")),
      fc.integer().map(int),
      fc.constant(Buffer.of(1)),
    );
    const status = fc.oneof(bytes, fc.constantFrom("200", "99999999999", "-1"));
    fc.assert(
      fc.property(
        anyRequest,
        fc.array(fc.tuple(property, value), { maxLength: 4 }),
        status,
        (headers, properties, code) => {
          for (const [name, bytes] of properties) host.properties.set(name, bytes);
          host.requestHeaders(headers);
          host.end([[":status", code], ...headers]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("the module stays under 64 KiB", async () => {
    expect((await moduleOf("metrics")).length).toBeLessThan(65_536);
  });
});
