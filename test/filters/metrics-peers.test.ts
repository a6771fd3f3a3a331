import { fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TestHost } from "../../host/testing/index";
import { bytes } from "./support/anything";
import { withFilter } from "./support/filter";

const ID = "x-envoy-peer-metadata-id";
const METADATA = "x-envoy-peer-metadata";
const NODE = {
  id: "sidecar~10.0.0.1~cart-1.shop~shop.svc",
  metadata: {
    WORKLOAD_NAME: "cart-v1",
    NAMESPACE: "shop",
    CLUSTER_ID: "east",
    LABELS: { app: "cart", version: "v1", "service.istio.io/canonical-name": "cart" },
  },
};
const PEER = {
  NAME: "web-7d9",
  NAMESPACE: "front",
  WORKLOAD_NAME: "web-v2",
  CLUSTER_ID: "west",
  OWNER: "kubernetes://apis/apps/v1/namespaces/front/deployments/web-v2",
  APP_CONTAINERS: ["a", 1, null],
  LABELS: {
    app: "web",
    version: "v2",
    "service.istio.io/canonical-name": "web",
    "service.istio.io/canonical-revision": "r2",
    "pod-template-hash": "7d9",
  },
};

const encode = (metadata: object): string =>
  Buffer.from(toBinary(StructSchema, fromJson(StructSchema, metadata as JsonObject))).toString("base64");
const decode = (text: string): unknown =>
  toJson(StructSchema, fromBinary(StructSchema, Buffer.from(text, "base64")));

const start = (config: object): Promise<TestHost> => withFilter("metrics", config, { node: NODE });
const last = (host: TestHost) =>
  host.metrics.filter(({ name }) => name === "istio_requests_total").at(-1)!.labels;

describe("metrics: a destination and who asks it", () => {
  test("the client's workload labels its requests; the app does not see the headers; the client is told who we are", async () => {
    const host = await start({ reporter: "destination" });
    const exchange = host.request({ headers: { [ID]: "web-7d9", [METADATA]: encode(PEER), "x-a": "1" } });
    expect(exchange.forwarded.headers!.has(ID)).toBe(false);
    expect(exchange.forwarded.headers!.has(METADATA)).toBe(false);
    exchange.respond();
    expect(last(host)).toMatchObject({
      source_workload: "web-v2",
      source_workload_namespace: "front",
      source_cluster: "west",
      source_app: "web",
      source_version: "v2",
      source_canonical_service: "web",
      source_canonical_revision: "r2",
      destination_workload: "cart-v1",
    });
    expect(exchange.response.headers!.get(ID)).toBe(NODE.id);
    expect(decode(exchange.response.headers!.get(METADATA)!)).toEqual(NODE.metadata);
  });

  test("who does not tell is not told", async () => {
    const host = await start({ reporter: "destination" });
    const exchange = host.request();
    exchange.respond();
    expect(exchange.response.headers!.has(METADATA)).toBe(false);
    expect(last(host)).toMatchObject({ source_workload: "unknown", source_canonical_revision: "latest" });
  });

  test("what a workload does not say is unknown; a certificate's namespace comes first", async () => {
    const host = await start({ reporter: "destination" });
    const metadata = encode({ WORKLOAD_NAME: "job", NAMESPACE: "front" });
    host.request({ headers: { [METADATA]: metadata } }).respond();
    expect(last(host)).toMatchObject({
      source_workload: "job",
      source_app: "unknown",
      source_canonical_revision: "latest",
      source_workload_namespace: "front",
    });
    const tls = {
      version: "TLSv1.3",
      mtls: true,
      peerCertificateValid: true,
      uriSanPeer: "spiffe://td/ns/back/sa/x",
    };
    host.request({ headers: { [METADATA]: metadata }, connection: { tls } }).respond();
    expect(last(host)).toMatchObject({ source_workload: "job", source_workload_namespace: "back" });
  });

  test.each([
    ["no base64", "%%%"],
    ["no message", Buffer.from([255, 255]).toString("base64")],
    ["a struct cut short", encode(PEER).slice(0, 40)],
    ["something too long", encode({ WORKLOAD_NAME: "x".repeat(4000) })],
    ["nothing", ""],
  ])("%s is taken off and tells nothing", async (_, text) => {
    const host = await start({ reporter: "destination" });
    const exchange = host.request({ headers: { [ID]: "x", [METADATA]: text } });
    expect(exchange.forwarded.headers!.has(METADATA)).toBe(false);
    exchange.respond();
    expect(exchange.response.headers!.has(METADATA)).toBe(true);
    expect(last(host)).toMatchObject({ source_workload: "unknown" });
  });

  test("peerExchange false: headers are somebody else's", async () => {
    const host = await start({ reporter: "destination", peerExchange: false });
    const exchange = host.request({ headers: { [METADATA]: encode(PEER) } });
    expect(exchange.forwarded.headers!.has(METADATA)).toBe(true);
    exchange.respond();
    expect(exchange.response.headers!.has(METADATA)).toBe(false);
    expect(last(host)).toMatchObject({ source_workload: "unknown" });
  });

  test("a proxy that does not know itself leaves the headers alone, unless it is told to take part", async () => {
    const forwards = async (config: object) => {
      const host = await withFilter("metrics", { reporter: "destination", ...config });
      const exchange = host.request({ headers: { [METADATA]: encode(PEER) } });
      exchange.respond();
      return [exchange.forwarded.headers!.has(METADATA), last(host).source_workload];
    };
    expect(await forwards({})).toEqual([true, "unknown"]);
    expect(await forwards({ peerExchange: true })).toEqual([false, "web-v2"]);
  });

  test("whatever the headers hold, nothing traps", async () => {
    const host = await withFilter(
      "metrics",
      { reporter: "destination", peerExchange: true },
      { trace: false },
    );
    const whole = Buffer.from(encode(PEER), "base64");
    const spoiled = fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(whole);
      copy[at] = byte;
      return copy.toString("base64");
    });
    const anything = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString("base64"));
    fc.assert(
      fc.property(fc.oneof(spoiled, anything, bytes), (text) => {
        const exchange = host.request({ headers: [[METADATA, Buffer.from(text, "latin1")]] });
        exchange.respond();
      }),
      { numRuns: 3000 },
    );
  });
});

describe("metrics: a source and whom it asks", () => {
  const mesh = { istio: { services: [{ host: "cart.shop.svc", name: "cart", namespace: "shop" }] } };
  const route = { clusterName: "outbound|80||cart", clusterMetadata: mesh };

  test("a service of the mesh is told who asks, and its answer labels the request", async () => {
    const host = await start({ reporter: "source" });
    const exchange = host.request({ route, headers: { [METADATA]: "forged" } });
    expect(exchange.forwarded.headers!.getAll(ID)).toEqual([NODE.id]);
    expect(decode(exchange.forwarded.headers!.get(METADATA)!)).toEqual(NODE.metadata);
    exchange.respond({ headers: { [ID]: "web-7d9", [METADATA]: encode(PEER) } });
    expect(exchange.response.headers!.has(METADATA)).toBe(false);
    expect(exchange.response.headers!.has(ID)).toBe(false);
    expect(last(host)).toMatchObject({
      source_workload: "cart-v1",
      destination_workload: "web-v2",
      destination_workload_namespace: "front",
      destination_canonical_revision: "r2",
      destination_service_namespace: "shop",
    });
  });

  test.each([
    ["an unknown cluster", { clusterName: "app" }],
    ["no route", { clusterName: undefined }],
    [
      "a service outside the mesh",
      { clusterName: "ext", clusterMetadata: { istio: { ...mesh.istio, external: true } } },
    ],
    ["the passthrough cluster", { clusterName: "PassthroughCluster", clusterMetadata: mesh }],
  ])("%s is not told", async (_, to) => {
    const host = await start({ reporter: "source" });
    const exchange = host.request({ route: to });
    expect(exchange.forwarded.headers!.has(METADATA)).toBe(false);
    exchange.respond();
  });

  test("an endpoint's metadata stand in for an answer that tells nothing", async () => {
    const host = await start({ reporter: "source" });
    const ask = (workload: string) => {
      const upstream = { address: "10.0.0.2:80", metadata: { istio: { workload } } };
      host.request({ route: { clusterName: "app" }, upstream }).respond();
      return last(host);
    };
    expect(ask("web-v3;front;web;r3;north")).toMatchObject({
      destination_workload: "web-v3",
      destination_workload_namespace: "front",
      destination_canonical_service: "web",
      destination_canonical_revision: "r3",
      destination_cluster: "north",
      destination_app: "unknown",
      destination_service_namespace: "front",
    });
    expect(ask("web;front")).toMatchObject({ destination_workload: "unknown" });
  });
});
