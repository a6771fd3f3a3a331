import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import type { RawHeaders } from "../../support/http-message";
import { decodeTraces, type OtlpSpan } from "../../support/otlp";
import { RawClient, type RawRequest } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";

type Json = build.Json;
const TYPE = "type.googleapis.com/envoy.config.trace.v3";

const zipkin = (more: Json = {}, tracing: Json = {}): Json => ({
  provider: {
    name: "envoy.tracers.zipkin",
    typed_config: {
      "@type": `${TYPE}.ZipkinConfig`,
      collector_cluster: "collector",
      collector_endpoint: "/api/v2/spans",
      collector_endpoint_version: "HTTP_JSON",
      ...more,
    },
  },
  ...tracing,
});
const otel = (tracing: Json = {}): Json => ({
  provider: {
    name: "envoy.tracers.opentelemetry",
    typed_config: {
      "@type": `${TYPE}.OpenTelemetryConfig`,
      http_service: { http_uri: { uri: "http://collector/v1/traces", cluster: "collector", timeout: "1s" } },
      service_name: "svc",
    },
  },
  ...tracing,
});

const ROUTES: Json[] = [
  { match: { path: "/direct" }, direct_response: { status: 418 } },
  { match: { prefix: "/named" }, route: { cluster: "app" }, decorator: { operation: "my-op" } },
  {
    match: { prefix: "/quiet" },
    route: { cluster: "app" },
    decorator: { operation: "my-op", propagate: false },
  },
  { match: { prefix: "/dead" }, route: { cluster: "dead" } },
  { match: { prefix: "/late" }, route: { cluster: "app", timeout: "0.2s" } },
  {
    match: { prefix: "/retried" },
    route: { cluster: "app", retry_policy: { retry_on: "5xx", num_retries: 1 } },
    metadata: { filter_metadata: { k: { p: "of the route" } } },
  },
  { match: { prefix: "/" }, route: { cluster: "app" } },
];

const OUT = { traffic_direction: "OUTBOUND" };
const SPAWN = { spawn_upstream_span: true };
const LISTENERS: Record<string, { tracing: Json; more?: Json }> = {
  plain: { tracing: zipkin() },
  inbound: { tracing: zipkin(), more: { traffic_direction: "INBOUND" } },
  outbound: { tracing: zipkin({ trace_id_128bit: true }), more: OUT },
  unshared: { tracing: zipkin({ shared_span_context: false }) },
  named: { tracing: zipkin({ collector_hostname: "zipkin.example" }) },
  tags: {
    tracing: zipkin(
      {},
      {
        max_path_tag_length: 5,
        custom_tags: [
          { tag: "literal", literal: { value: "v" } },
          { tag: "header", request_header: { name: "X-Tag", default_value: "none" } },
          { tag: "no header", request_header: { name: "x-none" } },
          { tag: "environment", environment: { name: "NO_SUCH_VARIABLE", default_value: "unset" } },
          {
            tag: "route",
            metadata: {
              kind: { route: {} },
              metadata_key: { key: "k", path: [{ key: "p" }] },
              default_value: "?",
            },
          },
        ],
      },
    ),
  },
  never: { tracing: zipkin({}, { random_sampling: { value: 0 } }) },
  capped: { tracing: zipkin({}, { overall_sampling: { value: 0 } }) },
  verbose: { tracing: zipkin({}, { verbose: true }) },
  spawn: { tracing: zipkin({}, SPAWN) },
  "spawn out": { tracing: zipkin({}, SPAWN), more: OUT },
  "nobody collects": { tracing: zipkin({ collector_cluster: "dead" }) },
  w3c: { tracing: zipkin({ trace_context_option: "USE_B3_WITH_W3C_PROPAGATION" }) },
  otel: { tracing: otel() },
  "otel out": { tracing: otel(), more: OUT },
  "otel spawn": { tracing: otel(SPAWN) },
};

const B3: RawHeaders = [
  ["x-b3-traceid", "0000000000000001"],
  ["x-b3-spanid", "0000000000000002"],
  ["x-b3-parentspanid", "0000000000000003"],
  ["x-b3-sampled", "1"],
];
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const GRPC: RawHeaders = [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["grpc-timeout", "1S"],
];
const h = (...headers: RawHeaders): RawRequest => ({ headers });
const WHOLE: RawRequest = {
  method: "POST",
  path: "/a/long?b=c",
  body: "hello",
  headers: [
    ["user-agent", "ua"],
    ["x-tag", "tagged"],
  ],
};

/** What is asked of which listener. */
const CASES: [name: string, listener: string, request: RawRequest][] = [
  ...Object.keys(LISTENERS).map(
    (name) => [`${name}: a request`, name, WHOLE] as [string, string, RawRequest],
  ),
  ...["plain", "inbound", "outbound", "unshared", "spawn", "spawn out", "w3c"].map(
    (name) => [`${name}: in a trace`, name, h(...B3)] as [string, string, RawRequest],
  ),
  ["a decorated route", "plain", { path: "/named" }],
  ["a decorated route, outbound", "outbound", { path: "/named" }],
  ["a decorated route that keeps quiet", "plain", { path: "/quiet" }],
  ["a decorated route that keeps quiet, outbound", "outbound", { path: "/quiet" }],
  ["the client names it", "inbound", h(["x-envoy-decorator-operation", "theirs"])],
  [
    "client and route name it",
    "inbound",
    { path: "/named", ...h(["x-envoy-decorator-operation", "theirs"]) },
  ],
  ["the upstream names it", "outbound", { path: "/names" }],
  ["a direct response", "plain", { path: "/direct" }],
  ["no host", "plain", { path: "/dead" }],
  ["too late", "plain", { path: "/late" }],
  ["too late, with spans for attempts", "spawn", { path: "/late" }],
  ["a 500", "plain", { path: "/500" }],
  ["a reset", "plain", { path: "/reset" }],
  ["a reset, with spans for attempts", "spawn", { path: "/reset" }],
  ["a retry", "plain", { path: "/retried" }],
  ["a retry, with spans for attempts", "spawn", { path: "/retried" }],
  ["a retry, OpenTelemetry", "otel spawn", { path: "/retried" }],
  ["gRPC", "plain", { method: "POST", path: "/grpc", headers: GRPC }],
  ["gRPC that fails", "plain", { method: "POST", path: "/grpc-14", headers: GRPC }],
  ["metadata of the route", "tags", { path: "/retried" }],
  ["one header", "plain", h(["b3", "00000000000000aa00000000000000ab-00000000000000ac-1-00000000000000ad"])],
  ["one header without a parent", "plain", h(["b3", "00000000000000ab-00000000000000ac-1"])],
  ["one header that leaves it open", "plain", h(["b3", "00000000000000ab-00000000000000ac"])],
  ["one header: debug", "plain", h(["b3", "00000000000000ab-00000000000000ac-d"])],
  ["one header: no", "plain", h(["b3", "0"])],
  ["one header: yes", "never", h(["b3", "1"])],
  ["one header that makes no sense", "plain", h(["b3", "x"])],
  ["one header cut short", "plain", h(["b3", "00000000000000ab-"])],
  ["not sampled", "plain", h(["x-b3-sampled", "0"])],
  ["not sampled, in a trace", "plain", h(...B3.slice(0, 3), ["x-b3-sampled", "0"])],
  ["in a trace that leaves it open", "plain", h(...B3.slice(0, 3))],
  ["in a trace that leaves it open, never", "never", h(...B3.slice(0, 3))],
  ["sampled, as text", "never", h(["x-b3-sampled", "true"])],
  ["debug", "never", h(["x-b3-flags", "1"])],
  ["a trace id that is none", "plain", h(["x-b3-traceid", "zz"], ["x-b3-spanid", "1"])],
  ["capitals", "plain", h(["x-b3-traceid", "00000000000000AB"], ["x-b3-spanid", "00000000000000CD"])],
  [
    "a trace id of 128 bits",
    "plain",
    h(["x-b3-traceid", "00000000000000aa00000000000000ab"], ["x-b3-spanid", "00000000000000cd"]),
  ],
  ["W3C where B3 is spoken", "plain", h(["traceparent", `${PARENT}-01`], ["tracestate", "a=b"])],
  ["W3C", "w3c", h(["traceparent", `${PARENT}-01`], ["tracestate", "a=b"])],
  ["W3C, not sampled", "w3c", h(["traceparent", `${PARENT}-00`])],
  ["OpenTelemetry: in a trace", "otel", h(["traceparent", `${PARENT}-01`], ["tracestate", "a=b"])],
  ["OpenTelemetry: in a trace, outbound", "otel out", h(["traceparent", `${PARENT}-01`])],
  ["OpenTelemetry: attempts", "otel spawn", h(["traceparent", `${PARENT}-01`])],
  ["OpenTelemetry: not sampled", "otel", h(["traceparent", `${PARENT}-00`])],
  ["OpenTelemetry: nonsense", "otel", h(["traceparent", "bad"])],
  ["OpenTelemetry: a 500", "otel", { path: "/500" }],
  ["forced from outside", "never", h(["x-envoy-force-trace", "true"])],
  ["the client's own trace", "never", h(["x-client-trace-id", "abc"])],
  ["an id that says no", "plain", h(["x-request-id", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"])],
  ["an id that says yes", "never", h(["x-request-id", "aaaaaaaa-bbbb-9ccc-8ddd-eeeeeeeeeeee"])],
  ["an id that is none", "plain", h(["x-request-id", "mine"])],
];

/** Of all cases together. */
const SPANS = 70;

/** A span of either kind. */
interface Told {
  trace: string;
  id: string;
  parent: string | undefined;
  start: number;
  rest: Record<string, unknown>;
}

const HOST_TAGS = new Set(["upstream_address", "peer.address"]);

function tameTags(tags: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags)
      .map(([name, value]): [string, string] => {
        if (name === "guid:x-request-id" && value.length === 36) return [name, `id ${value[14]}`];
        return [name, HOST_TAGS.has(name) ? value.replace(/:\d+$/, ":PORT") : value];
      })
      .sort(),
  );
}

interface ZipkinSpan {
  traceId: string;
  id: string;
  parentId?: string;
  timestamp: number;
  duration: number;
  annotations: { value: string }[];
  tags: Record<string, string>;
}

function ofZipkin({
  traceId,
  id,
  parentId,
  timestamp,
  duration,
  annotations,
  tags,
  ...rest
}: ZipkinSpan): Told {
  expect(duration).toBeGreaterThanOrEqual(0);
  return {
    trace: traceId,
    id,
    parent: parentId,
    start: timestamp,
    rest: {
      ...rest,
      annotations: annotations.map(({ value }) => value),
      tags: tameTags(tags),
    },
  };
}

function ofOtlp({ traceId, spanId, parentSpanId, start, end, attributes, ...rest }: OtlpSpan): Told {
  expect(end >= start).toBe(true);
  return {
    trace: traceId,
    id: spanId,
    parent: parentSpanId || undefined,
    start: Number(start / 1000n),
    rest: { ...rest, tags: tameTags({ zone: "", ...attributes }) },
  };
}

/** Ids as names: those of the request stay. */
class Names {
  private readonly known = new Map<string, string>();

  of(id: string | undefined): string | undefined {
    if (id === undefined || /^0*[0-9a-f]{1,2}$/i.test(id) || PARENT.includes(id) || /^0{14}aa0/.test(id))
      return id;
    const known = this.known.get(id) ?? `#${this.known.size} (${id.length})`;
    this.known.set(id, known);
    return known;
  }
}

/** A collector of either kind. */
class Collector {
  readonly spans: Told[] = [];
  readonly requests: string[] = [];

  private constructor(readonly server: Server) {
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        const { host, "content-type": type } = request.headers;
        this.requests.push(`${request.method} ${request.url} ${host} ${type}`);
        if (request.url === "/v1/traces") this.spans.push(...decodeTraces(body).map(ofOtlp));
        else this.spans.push(...JSON.parse(body.toString()).map(ofZipkin));
        response.statusCode = 202;
        response.end();
      });
    });
  }

  static async start(): Promise<Collector> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Collector(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Every span with its ids as names, trace by trace; sorted, as proxies send them in no order. */
function told({ collector }: Side): string[] {
  const traces = Map.groupBy(
    collector.spans.toSorted((a, b) => a.start - b.start),
    ({ trace }) => trace,
  );
  return [...traces.values()]
    .flatMap((spans) => {
      const names = new Names();
      return spans.map(({ trace, id, parent, rest }) =>
        text({ trace: names.of(trace), id: names.of(id), parent: names.of(parent), ...rest }),
      );
    })
    .sort();
}

/** JSON whose fields stand in one order. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, item) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort())
      : item,
  );
}

const TRACING = /^(x-b3-.*|b3|traceparent|tracestate|x-envoy-decorator-operation)$/;

/** One engine with an app and a collector of its own. */
class Side {
  proxy!: ProxyUnderTest;
  collector!: Collector;
  upstream!: RawUpstream;
  readonly engine: EngineUnderTest;

  constructor(name: EngineName) {
    this.engine = new EngineUnderTest(name);
  }

  async start(): Promise<void> {
    this.collector = await Collector.start();
    let retried = 0;
    this.upstream = await RawUpstream.start((request, reply) => {
      const { path } = request;
      if (path === "/late") return;
      if (path === "/reset") reply.socket.destroy();
      else if (path === "/500") reply.send({ status: 500 });
      else if (path === "/retried") reply.send({ status: retried++ % 2 === 0 ? 503 : 200 });
      else if (path === "/names") reply.send({ headers: [["x-envoy-decorator-operation", "theirs"]] });
      else if (path === "/grpc") reply.send({ headers: [["grpc-status", "0"]] });
      else if (path === "/grpc-14")
        reply.send({
          headers: [
            ["grpc-status", "14"],
            ["grpc-message", "gone"],
          ],
        });
      else reply.send({ body: "ok" });
    });
    const listeners = Object.entries(LISTENERS).map(([name, { tracing, more }]) =>
      build.httpListener({ name, manager: { tracing }, routes: ROUTES, ...(more && { listener: more }) }),
    );
    const clusters = [
      build.cluster("app", this.upstream.port),
      build.cluster("collector", this.collector.port),
      build.cluster("dead", 1),
    ];
    const more = { node: { id: "node-1", cluster: "cluster-1", metadata: {} } };
    this.proxy = await this.engine.start(build.bootstrap({ listeners, clusters, more }));
  }

  /** What client and upstream see of a request, as far as it is about traces. */
  async ask(listener: string, request: RawRequest, names: Names) {
    const client = await RawClient.connect(this.proxy.port(listener));
    const before = this.upstream.requests.length;
    const { status, headers } = await client.exchange(request);
    client.close();
    const told = (lines: RawHeaders) =>
      lines
        .filter(([name]) => TRACING.test(name.toLowerCase()))
        .map(([name, value]) => `${name}: ${tameHeader(value, names)}`);
    return {
      status,
      answer: told(headers),
      attempts: this.upstream.requests.slice(before).map((each) => told(each.headers)),
      reasons: this.upstream.requests.slice(before).map((each) => each.header("x-request-id")?.[14]),
    };
  }

  async stop(): Promise<void> {
    await this.engine.cleanUp();
    await this.upstream?.close();
    this.collector?.close();
  }
}

function tameHeader(value: string, names: Names): string {
  return value.replace(/[0-9a-f]{16,32}/gi, (id) => names.of(id)!);
}

describe.skipIf(inject("envoy") === undefined)("Tracing, on both engines", () => {
  const sides = { node: new Side("node"), envoy: new Side("envoy") };

  beforeAll(() => Promise.all([sides.node.start(), sides.envoy.start()]));
  afterAll(() => Promise.all([sides.node.stop(), sides.envoy.stop()]));

  test.each(CASES)("%s: what the other side is told", async (_, listener, request) => {
    const [node, envoy] = await Promise.all(
      [sides.node, sides.envoy].map((side) => side.ask(listener, request, new Names())),
    );
    expect(node).toEqual(envoy);
  });

  test("the spans", { timeout: 30_000 }, async () => {
    const sent = (side: Side) => side.collector.spans.length;
    // Some wait for the next of Envoy's intervals.
    await expect.poll(() => sent(sides.envoy), { timeout: 15_000 }).toBe(SPANS);
    await expect.poll(() => sent(sides.node), { timeout: 15_000 }).toBe(SPANS);
    expect(told(sides.node)).toEqual(told(sides.envoy));
    expect(new Set(sides.node.collector.requests)).toEqual(new Set(sides.envoy.collector.requests));
  });

  test("statistics", async () => {
    const stats = async ({ proxy }: Side) =>
      (await proxy.admin("/stats?filter=tracing"))
        .split("\n")
        .filter((line) => !/timer_flushed|reports_sent/.test(line));
    const lost = (side: Side) => side.proxy.stat("tracing.zipkin.reports_dropped");
    for (const side of [sides.node, sides.envoy])
      await expect.poll(() => lost(side), { timeout: 10_000 }).toBe(1);
    expect(await stats(sides.node)).toEqual(await stats(sides.envoy));
  });
});
