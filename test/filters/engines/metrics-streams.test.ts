import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { GrpcServer } from "../../support/grpc-server";
import { RawUpstream } from "../../support/raw-upstream";
import { TcpPeer, TcpUpstream } from "../../support/tcp-peer";
import { moduleFile } from "../support/module-file";
import { probe } from "../support/subjects";

const { stats_tags } = parse(
  readFileSync(new URL("../../../filters/metrics/stats-tags.yaml", import.meta.url), "utf8"),
);
const own = ["team", "kind", "port"].map((name) => ({
  tag_name: name,
  regex: `[.;](${name}=\\.=(.*?);\\.;)`,
}));
const OVERRIDES = [
  { match: { metric: "RESPONSE_SIZE" }, disabled: true },
  {
    match: { metric: "REQUEST_COUNT" },
    tagOverrides: {
      team: { value: "request.headers['x-team']" },
      kind: { value: "request.url_path.startsWith('/api/') ? 'api' : 'page'" },
      port: { value: "response.code" },
      destination_service: { value: "'hidden'" },
      source_principal: { operation: "REMOVE" },
    },
  },
];

let wasm: string;
beforeAll(async () => {
  wasm = await moduleFile("filters/metrics");
});

describeEngines("metrics: streams and overrides", (engine) => {
  let http: RawUpstream;
  let tcp: TcpUpstream;
  let grpc: GrpcServer;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    http = await RawUpstream.start(async (request, reply) => {
      await request.message;
      reply.send({ status: request.path.endsWith("/500") ? 500 : 200, body: "ok" });
    });
    tcp = await TcpUpstream.start((peer) => {
      peer.receivesBytes(3).then(
        () => peer.write("hello"),
        () => {}, // a silent client that has left
      );
    });
    grpc = await GrpcServer.start("test.Echo", {
      talks: {
        Talk(call) {
          call.on("data", (message: Buffer) => {
            call.write(message);
            call.write(Buffer.alloc(3000));
          });
          call.on("end", () => call.end());
        },
      },
    });
    const plugin = (name: string, more: object) => ({
      name,
      wasm,
      rootId: "metrics",
      vmId: "metrics",
      configuration: JSON.stringify({ reporter: "destination", ...more }),
    });
    const often = { metrics: [{ reportingInterval: "0.1s" }] };
    const listener = (name: string, more: object, cluster: string) =>
      build.httpListener({
        name,
        filters: [build.wasmFilter(plugin(name, more))],
        routes: [{ match: { prefix: "/" }, route: { cluster, timeout: "0s" } }],
      });
    const connections = (name: string, reporter: string, cluster: string) =>
      build.tcpListener({
        name,
        cluster,
        filters: [build.networkWasmFilter(plugin(name, { reporter, ...often }))],
      });
    proxy = await engine.start(
      build.bootstrap({
        listeners: [
          listener("overrides", { metrics: [{ overrides: OVERRIDES }] }, "http"),
          listener("app", { appMetrics: true, disableHostHeaderFallback: true }, "http"),
          listener("grpc", often, "grpc"),
          connections("tcp", "destination", "tcp"),
          connections("tcp-dead", "source", "dead"),
        ],
        clusters: [
          build.cluster("http", http.port),
          build.cluster("tcp", tcp.port),
          build.cluster("dead", 1),
          build.cluster("grpc", grpc.port, { http2_protocol_options: {} }),
        ],
        more: { stats_config: { stats_tags: [...stats_tags, ...own] }, stats_flush_interval: "0.2s" },
      }),
    );
  });
  afterAll(async () => {
    await Promise.all([http.close(), tcp.close(), grpc.close()]);
  });

  /** Values of the samples of that name with these labels. */
  async function samples(name: string, ...labels: string[]): Promise<number[]> {
    const lines = (await proxy.admin("/stats/prometheus")).split("\n");
    const found = lines.filter(
      (line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)),
    );
    return found.map((line) => Number(line.slice(line.lastIndexOf(" "))));
  }

  const until = (name: string, labels: string[], ...values: number[]) =>
    expect.poll(() => samples(name, ...labels), { timeout: 10_000 }).toEqual(values);

  test("Telemetry overrides: expressions, literals, removed tags, dropped metrics", async () => {
    await probe(proxy.port("overrides"), [
      { path: "/api/a", headers: [["x-team", "blue"]] },
      { path: "/api/b", headers: [["x-team", "blue"]] },
      { path: "/500" },
    ]);
    const text = async () =>
      (await proxy.admin("/stats/prometheus"))
        .split("\n")
        .filter((line) => line.startsWith("istio_requests_total{") && line.includes("hidden"));
    await expect.poll(async () => (await text()).length, { timeout: 10_000 }).toBe(2);
    const hidden = await text();
    const blue = hidden.find((line) => line.includes('team="blue"'))!;
    expect(blue).toMatch(/destination_service="hidden".*team="blue",kind="api",port="200"} 2$/);
    expect(blue).not.toContain("source_principal");
    expect(hidden.find((line) => line !== blue)).toMatch(/team="unknown",kind="page",port="500"} 1$/);
    expect(await samples("istio_response_bytes_count", 'destination_service="a"')).toEqual([]);
  });

  test("what apps count, as their libraries print it", async () => {
    await probe(proxy.port("app"), [{}, {}, { path: "/500", method: "POST" }]);
    const ok = ['{method="GET",status_code="200"'];
    await until("http_requests_total", ok, 2);
    await until("http_request_duration_seconds_count", ok, 2);
    await until("http_request_duration_seconds_bucket", [...ok, 'le="+Inf"'], 2);
    await until("application_errors_total", ['{method="POST",status_code="500"}'], 1);
    // Not what a client calls it: the canonical one, which this node does not have.
    await until("istio_requests_total", ['destination_service=""', 'response_code="200"'], 2);
  });

  test("messages of a real gRPC call, while it goes on", async () => {
    const client = new Client(`127.0.0.1:${proxy.port("grpc")}`, credentials.createInsecure());
    const asIs = (bytes: Buffer) => bytes;
    const call = client.makeBidiStreamRequest("/test.Echo/Talk", asIs, asIs);
    call.on("data", () => {});
    call.write(Buffer.alloc(70_000));
    call.write(Buffer.alloc(0));
    await until("istio_request_messages_total", [], 2);
    await until("istio_response_messages_total", [], 4);
    call.write(Buffer.from("x"));
    call.end();
    await once(call, "status");
    await until("istio_request_messages_total", [], 3);
    await until("istio_response_messages_total", [], 6);
    await until("istio_requests_total", ['request_protocol="grpc"', 'grpc_response_status="0"'], 1);
    client.close();
  });

  test("a connection that stays open reports; one that cannot be made tells why", async () => {
    const peer = await TcpPeer.connect(proxy.port("tcp"));
    peer.write("abc");
    await peer.receives("hello");
    const mine = ['reporter="destination"', 'request_protocol="tcp"'];
    await until("istio_tcp_received_bytes_total", mine, 3);
    await until("istio_tcp_sent_bytes_total", mine, 5);
    expect(await samples("istio_tcp_connections_opened_total", ...mine)).toEqual([1]);
    expect(await samples("istio_tcp_connections_closed_total", ...mine)).toEqual([0]);
    peer.reset();
    await until("istio_tcp_connections_closed_total", mine, 1);

    // One that says nothing is counted by the timer.
    const silent = await TcpPeer.connect(proxy.port("tcp"));
    await until("istio_tcp_connections_opened_total", mine, 2);
    silent.reset();
    await until("istio_tcp_connections_closed_total", mine, 2);

    const dead = await TcpPeer.connect(proxy.port("tcp-dead"));
    await dead.over();
    await until("istio_tcp_connections_closed_total", ['reporter="source"'], 1);
    const lines = (await proxy.admin("/stats/prometheus")).split("\n");
    const line = lines.find((each) => /^istio_tcp_connections_closed_total\{reporter="source"/.test(each))!;
    expect(/response_flags="([^"]*)"/.exec(line)![1]!.split(",")).toContain("UF");
  });
});
