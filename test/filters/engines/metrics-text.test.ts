import { readFileSync } from "node:fs";
import { fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { parse } from "yaml";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { TcpPeer, TcpUpstream } from "../../support/tcp-peer";
import { CLIENT_ID, mutualTls, testPki, tlsExchange } from "../../support/tls";
import { moduleFile } from "../support/module-file";
import { type Probe, probe } from "../support/subjects";

const { stats_tags } = parse(
  readFileSync(new URL("../../../filters/metrics/stats-tags.yaml", import.meta.url), "utf8"),
);
const pki = await testPki();
const SERVER_ID = "spiffe://cluster.local/ns/shop/sa/server";
const NODE = {
  WORKLOAD_NAME: "cart-v1",
  NAMESPACE: "shop",
  CLUSTER_ID: "east",
  LABELS: { app: "cart", version: "v1", "service.istio.io/canonical-name": "cart" },
};
const PEER = {
  WORKLOAD_NAME: "web-v2",
  NAMESPACE: "front",
  LABELS: { app: "web", "service.istio.io/canonical-revision": "r2" },
};
const METADATA = "x-envoy-peer-metadata";
const encode = (metadata: object) =>
  Buffer.from(toBinary(StructSchema, fromJson(StructSchema, metadata as JsonObject))).toString("base64");

/** A gRPC message of so many bytes on the wire. */
function frames(...sizes: number[]): Buffer {
  return Buffer.concat(
    sizes.map((size) => {
      const frame = Buffer.alloc(5 + size);
      frame.writeUInt32BE(size, 1);
      return frame;
    }),
  );
}

type Labels = Record<string, string>;

const side = (end: string, facts: Partial<Record<string, string>> = {}): Labels => ({
  [`${end}_workload`]: facts.workload ?? "unknown",
  [`${end}_canonical_service`]: facts.service ?? "unknown",
  [`${end}_canonical_revision`]: facts.revision ?? "latest",
  [`${end}_workload_namespace`]: facts.namespace ?? "unknown",
  [`${end}_principal`]: facts.principal ?? "unknown",
  [`${end}_app`]: facts.app ?? "unknown",
  [`${end}_version`]: facts.version ?? "unknown",
  [`${end}_cluster`]: facts.cluster ?? "unknown",
});
const LOCAL = {
  workload: "cart-v1",
  service: "cart",
  revision: "",
  namespace: "shop",
  app: "cart",
  version: "v1",
  cluster: "east",
};
const HOST = "web.example:8080";
const service = (host: string, name: string, namespace: string): Labels => ({
  destination_service: host,
  destination_service_name: name,
  destination_service_namespace: namespace,
});
const ended = (code: string, flags = "-", security = "none", grpc?: string): Labels => ({
  request_protocol: grpc === undefined ? "http" : "grpc",
  response_code: code,
  grpc_response_status: grpc ?? "",
  response_flags: flags,
  connection_security_policy: security,
});
const IN: Labels = {
  reporter: "destination",
  ...side("source"),
  ...side("destination", LOCAL),
  ...service(HOST, HOST, "shop"),
};
const OUT: Labels = {
  reporter: "source",
  ...side("source", LOCAL),
  ...side("destination"),
  ...service(HOST, HOST, "unknown"),
};
const FROM_PEER = side("source", { workload: "web-v2", namespace: "front", app: "web", revision: "r2" });
const TO_PEER = side("destination", { workload: "web-v2", namespace: "front", app: "web", revision: "r2" });
const CART = service("cart.shop.svc", "cart", "shops");

/** What is sent to which listener, and the labels it must count under; messages = of a gRPC call, each way. */
interface Kind {
  listener: "in" | "out";
  request: Probe;
  labels: Labels;
  messages?: [requests: number, responses: number];
}

const GRPC: Probe = { method: "POST", headers: [["content-type", "application/grpc"]] };
const KINDS: Kind[] = [
  { listener: "in", request: { path: "/app" }, labels: { ...IN, ...ended("200") } },
  { listener: "in", request: { path: "/app/404" }, labels: { ...IN, ...ended("404") } },
  { listener: "in", request: { path: "/app/500" }, labels: { ...IN, ...ended("500") } },
  {
    listener: "in",
    request: { ...GRPC, path: "/app/grpc", body: frames(3, 0) },
    labels: { ...IN, ...ended("200", "-", "none", "5") },
    messages: [2, 3],
  },
  { listener: "in", request: { path: "/denied" }, labels: { ...IN, ...ended("403") } },
  { listener: "in", request: { path: "/abort" }, labels: { ...IN, ...ended("503") } },
  {
    listener: "in",
    request: { ...GRPC, path: "/abort", body: frames(1) },
    labels: { ...IN, ...ended("200", "-", "none", "14") },
  },
  { listener: "in", request: { path: "/dead" }, labels: { ...IN, ...ended("503", "UF") } },
  { listener: "in", request: { path: "/none" }, labels: { ...IN, ...ended("404", "NR") } },
  {
    listener: "in",
    request: { path: "/cart" },
    labels: { ...IN, ...CART, ...service("cart.shop.svc", "cart", "shop"), ...ended("200") },
  },
  {
    listener: "in",
    request: {
      path: "/app",
      headers: [
        [METADATA, encode(PEER)],
        [`${METADATA}-id`, "web"],
      ],
    },
    labels: { ...IN, ...FROM_PEER, ...ended("200") },
  },
  { listener: "out", request: { path: "/app" }, labels: { ...OUT, ...ended("200", "-", "unknown") } },
  {
    listener: "out",
    request: { path: "/cart" },
    labels: { ...OUT, ...TO_PEER, ...CART, ...ended("200", "-", "unknown") },
  },
  {
    listener: "out",
    request: { ...GRPC, path: "/cart/grpc", body: frames(10, 20, 30) },
    labels: { ...OUT, ...TO_PEER, ...CART, ...ended("200", "-", "unknown", "5") },
    messages: [3, 3],
  },
  {
    listener: "out",
    request: { path: "/hole" },
    labels: { ...OUT, ...service(HOST, "BlackHoleCluster", "unknown"), ...ended("502", "-", "unknown") },
  },
];
const MTLS: Labels = {
  ...IN,
  source_principal: CLIENT_ID,
  source_workload_namespace: "shop",
  destination_principal: SERVER_ID,
  ...ended("200", "-", "mutual_tls"),
};
const TCP: Labels = {
  ...IN,
  ...service("cart", "cart", "shop"),
  request_protocol: "tcp",
  response_flags: "-",
  connection_security_policy: "none",
};
const TCP_OF_CART: Labels = {
  ...OUT,
  ...service("cart.shop.svc", "cart", "shops"),
  request_protocol: "tcp",
  response_flags: "-",
  connection_security_policy: "unknown",
};

/** A sample as both proxies print it: labels in the order of the tags. */
function sample(name: string, labels: Labels, value: number): string {
  const order = (stats_tags as { tag_name: string }[]).map(({ tag_name }) => tag_name);
  const text = order.flatMap((tag) => (tag in labels ? [`${tag}="${labels[tag]}"`] : []));
  return `${name}{${text.join(",")}} ${value}`;
}

/** Requests by a small generator of its own, so that both engines get the same. */
function* mix(count: number, seed: number): Generator<Kind> {
  for (let i = 0, state = seed; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield KINDS[(state >>> 8) % KINDS.length]!;
  }
}

const COUNT = 1000;
const CONNECTIONS = 10;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

/** Lines of the text that must be there, whole. */
function expected(kinds: readonly Kind[]): string[] {
  const counts = new Map<string, number>();
  const add = (name: string, labels: Labels, n: number) => {
    const key = sample(name, labels, 0).slice(0, -1);
    counts.set(key, (counts.get(key) ?? 0) + n);
  };
  const histograms = ["request_duration_milliseconds", "request_bytes", "response_bytes"];
  const exchange = (labels: Labels, n: number) => {
    add("istio_requests_total", labels, n);
    for (const name of histograms) {
      add(`istio_${name}_count`, labels, n);
      add(`istio_${name}_bucket`, { ...labels, le: "+Inf" }, n);
    }
  };
  for (const { labels, messages } of kinds) {
    exchange(labels, 1);
    if (!messages) continue;
    const { request_protocol, response_code, grpc_response_status, response_flags, ...rest } = labels;
    const { connection_security_policy, ...common } = rest;
    add("istio_request_messages_total", common, messages[0]);
    add("istio_response_messages_total", common, messages[1]);
  }
  exchange(MTLS, 3);
  for (const [labels, n] of [
    [TCP, CONNECTIONS],
    [TCP_OF_CART, 1],
  ] as const) {
    add("istio_tcp_connections_opened_total", labels, n);
    add("istio_tcp_connections_closed_total", labels, n);
    add("istio_tcp_received_bytes_total", labels, 60 * n);
    add("istio_tcp_sent_bytes_total", labels, 120 * n);
  }
  add("istio_build", { component: "proxy", tag: "unknown" }, 1);
  return [...counts].map(([key, n]) => key + n).toSorted();
}

describe.skipIf(!inject("envoy"))(`metrics: the text of ${COUNT} exchanges, seed ${seed}`, () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  const texts: Partial<Record<EngineName, string[]>> = {};
  const kinds = [...mix(COUNT, seed)];
  const modules: Record<string, string> = {};
  let upstream: RawUpstream;
  let tcp: TcpUpstream;

  beforeAll(async () => {
    for (const name of ["fault", "authz", "metrics"]) modules[name] = await moduleFile(`filters/${name}`);
    upstream = await RawUpstream.start(async (request, reply) => {
      await request.message;
      const asked = request.headers.some(([name]) => name.toLowerCase() === METADATA);
      const told: [string, string][] = asked
        ? [
            [METADATA, encode(PEER)],
            [`${METADATA}-id`, "web"],
          ]
        : [];
      if (request.path.endsWith("/grpc")) {
        const grpc: [string, string][] = [
          ["content-type", "application/grpc"],
          ["grpc-status", "5"],
        ];
        reply.send({ headers: [...grpc, ...told], body: frames(1, 2, 3) });
      } else {
        const status = Number(/\d+$/.exec(request.path)?.[0] ?? 200);
        reply.send({ status, headers: told, body: "ok" });
      }
    });
    tcp = await TcpUpstream.start((peer) => {
      void peer.receivesBytes(60).then(() => {
        peer.write("y".repeat(120));
        peer.end();
      });
    });
  }, 120_000);
  afterAll(async () => {
    await Promise.all(Object.values(engines).map((engine) => engine.cleanUp()));
    await Promise.all([upstream.close(), tcp.close()]);
  });

  async function start(engine: EngineUnderTest): Promise<ProxyUnderTest> {
    const { fault, authz, metrics } = modules;
    const plugin = (name: string, wasm: string, configuration: object) => ({
      name,
      wasm,
      rootId: name,
      vmId: name,
      configuration: JSON.stringify(configuration),
    });
    const reports = (reporter: string) => plugin("metrics", metrics!, { reporter });
    const faults = plugin("fault", fault!, {
      http: [
        {
          match: [{ uri: { exact: "/abort" } }],
          fault: { abort: { percentage: { value: 100 }, httpStatus: 503 } },
        },
      ],
    });
    const policies = plugin("authz", authz!, {
      policies: [
        {
          metadata: { name: "p", namespace: "shop" },
          spec: { action: "DENY", rules: [{ to: [{ operation: { paths: ["/denied"] } }] }] },
        },
      ],
    });
    const routes = [
      { match: { prefix: "/dead" }, route: { cluster: "dead" } },
      { match: { prefix: "/cart" }, route: { cluster: "cart" } },
      { match: { prefix: "/hole" }, name: "block_all", direct_response: { status: 502 } },
      { match: { prefix: "/app" }, route: { cluster: "app" } },
    ];
    const http = (name: string, reporter: string, more = {}) =>
      build.httpListener({
        name,
        routes,
        filters: [faults, policies, reports(reporter)].map((each) => build.wasmFilter(each)),
        ...more,
      });
    const connections = (name: string, reporter: string, cluster: string) =>
      build.tcpListener({ name, cluster, filters: [build.networkWasmFilter(reports(reporter))] });
    const cart = {
      metadata: {
        filter_metadata: {
          istio: { services: [{ host: "cart.shop.svc", name: "cart", namespace: "shops" }] },
        },
      },
    };
    return engine.start(
      build.bootstrap({
        listeners: [
          http("in", "destination"),
          http("out", "source"),
          http("mtls", "destination", { filterChain: mutualTls(pki) }),
          connections("tcp-in", "destination", "tcp"),
          connections("tcp-out", "source", "tcp-cart"),
        ],
        clusters: [
          build.cluster("app", upstream.port),
          build.cluster("dead", 1),
          build.cluster("cart", upstream.port, cart),
          build.cluster("tcp", tcp.port),
          build.cluster("tcp-cart", tcp.port, cart),
        ],
        more: {
          node: { id: "n", cluster: "c", metadata: NODE },
          stats_config: { stats_tags },
          stats_flush_interval: "0.2s",
        },
      }),
    );
  }

  async function drive(proxy: ProxyUnderTest): Promise<void> {
    const host = { host: HOST };
    for (const listener of ["in", "out"] as const) {
      const requests = kinds.filter((kind) => kind.listener === listener).map(({ request }) => request);
      await probe(
        proxy.port(listener),
        requests.map((request) => ({ ...host, ...request })),
      );
    }
    for (let i = 0; i < 3; i++)
      await tlsExchange(proxy.port("mtls"), { identity: pki.client }, { ...host, path: "/app" });
    for (const name of [...Array<string>(CONNECTIONS).fill("tcp-in"), "tcp-out"]) {
      const peer = await TcpPeer.connect(proxy.port(name));
      peer.write("x".repeat(60));
      await peer.receivesBytes(120);
      peer.end();
      await peer.over();
    }
  }

  test.each(["node", "envoy"] as const)(
    "%s prints what the request mix says",
    async (name) => {
      const proxy = await start(engines[name]);
      await drive(proxy);
      const wanted = expected(kinds);
      const isExact = (line: string) =>
        !/_sum\{/.test(line) && (!/_bucket\{/.test(line) || line.includes('le="+Inf"'));
      let lines: string[] = [];
      const exact = async () => {
        const text = await proxy.admin("/stats/prometheus");
        lines = text.split("\n").filter((line) => /^(# TYPE )?istio_/.test(line));
        return lines.filter((line) => !line.startsWith("#") && isExact(line)).toSorted();
      };
      await expect.poll(exact, { timeout: 20_000, interval: 200 }).toEqual(wanted);
      texts[name] = lines;
    },
    120_000,
  );

  test("both texts are the same: names, types, order, labels, bounds, counts; sums within 5 %", () => {
    const { node, envoy } = texts as Record<EngineName, string[]>;
    /** How long things took differs; what they weighed, by what `x-envoy-upstream-service-time` says. */
    const shape = (line: string) =>
      line.replace(/^(istio_\w+_sum\{.*\}|istio_request_duration_\w+_bucket\{.*le="[\d.]+"\}) .*/, "$1");
    expect(node.map(shape)).toEqual(envoy.map(shape));
    for (const [i, line] of envoy.entries()) {
      if (!/_bytes_sum\{/.test(line)) continue;
      const value = (text: string) => Number(/ (\S+)$/.exec(text)![1]);
      expect(Math.abs(value(node[i]!) / value(line) - 1)).toBeLessThan(0.05);
    }
  });
});
