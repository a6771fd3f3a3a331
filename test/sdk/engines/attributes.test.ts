import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { exchange } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { buildGuest } from "../support/build-guest";

let wasm: string;
beforeAll(async () => {
  wasm = await buildGuest("attributes");
});

const of = (what: string) => ({ filter_metadata: { test: { of: what } } });

function bootstrap(upstream: number): build.Json {
  const plugin = build.wasmFilter({ name: "plugin", wasm, rootId: "attributes", vmId: "vm" });
  return build.bootstrap({
    listeners: [
      build.httpListener({
        name: "main",
        filters: [plugin],
        routes: [
          { match: { prefix: "/" }, name: "route-1", metadata: of("route"), route: { cluster: "upstream" } },
        ],
        virtualHost: { name: "host-1", metadata: of("virtual host") },
        listener: { traffic_direction: "OUTBOUND", metadata: of("listener") },
      }),
    ],
    clusters: [build.cluster("upstream", upstream, { metadata: of("cluster") })],
    more: {
      node: {
        id: "node-1",
        cluster: "cluster-1",
        locality: { region: "r1", zone: "z1", sub_zone: "s1" },
        metadata: {
          LABELS: { app: "shop", "app.kubernetes.io/name": "dotted" },
          NUMBER: 5,
          FLAG: true,
          LIST: ["a", "b"],
        },
      },
    },
  });
}

/** What must be the same in every phase. */
const ALWAYS = {
  "plugin.name": "<plugin>",
  "plugin.rootId": "<attributes>",
  "plugin.vmId": "<vm>",
  "node.id": "<node-1>",
  "node.cluster": "<cluster-1>",
  "node.region": "<r1>",
  "node.zone": "<z1>",
  "node.subZone": "<s1>",
  "node.label": "<dotted>",
  "node.number": "5",
  "node.flag": "true",
  "node.list": "<a|b>",
  "node.item": "<b>",
  "node.none": "null",
  "node.labels": "2",
  "node.labels.app": "<shop>",
};

describeEngines("SDK attributes", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  let port: number;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    upstream.handler = async (request, reply) => {
      await request.message;
      reply.send({ body: "answer" });
    };
    proxy = await engine.start(bootstrap(upstream.port));
    port = proxy.port();
    await exchange(port, {
      method: "POST",
      path: "/a/b?c=d",
      host: "host.example",
      headers: [
        ["User-Agent", "agent/1"],
        ["Referer", "http://r/"],
      ],
      body: "12345",
    });
    await proxy.log.waitFor((lines) => lines.find(({ message }) => message.endsWith(": log end")), "the end");
  });
  afterAll(() => upstream?.close());

  /** Name to value, as a phase logged them. */
  function seen(phase: string): Record<string, string> {
    const found = proxy.log.lines.flatMap(({ message }) => {
      const match = new RegExp(`: ${phase} ([\\w.]+)=(.*)$`).exec(message);
      return match ? [[match[1]!, match[2]!]] : [];
    });
    return Object.fromEntries(found);
  }

  function expectSeen(phase: string, wanted: Record<string, string>): void {
    expect(seen(phase)).toEqual(wanted);
  }

  test("in a root context", () => {
    expectSeen("configure", { ...ALWAYS, "xds.clusterName": "null", "connection.id": "-1" });
  });

  /** What the connection and the configuration say in every phase of a stream. */
  const stream = () => ({
    ...ALWAYS,
    "connection.id": "true",
    "connection.sourceAddress": expect.stringMatching(/^<127\.0\.0\.1:\d+>$/),
    "connection.sourcePort": expect.stringMatching(/^\d+$/),
    "connection.destinationAddress": `<127.0.0.1:${port}>`,
    "connection.destinationPort": String(port),
    "connection.mtls": "false",
    "connection.peerCertificateValid": "false",
    "connection.requestedServerName": "<>",
    "connection.tlsVersion": "null",
    "connection.peerSubject": "null",
    "connection.localSubject": "null",
    "connection.peerDnsName": "null",
    "connection.localDnsName": "null",
    "connection.peerUri": "null",
    "connection.localUri": "null",
    "connection.peerDigest": "null",
    "connection.peerCertificate": "null",
    "connection.terminationDetails": "null",
    "connection.transportFailureReason": "null",
    "upstream.serverName": "null",
    "upstream.tlsVersion": "null",
    "upstream.peerSubject": "null",
    "upstream.localSubject": "null",
    "upstream.peerDnsName": "null",
    "upstream.localDnsName": "null",
    "upstream.peerUri": "null",
    "upstream.localUri": "null",
    "upstream.peerDigest": "null",
    "xds.upstreamHostMetadata": "null",
    "xds.upstreamHostLocalityMetadata": "null",
    "request.protocol": "<HTTP/1.1>",
    "request.time": "true",
    "xds.clusterName": "<upstream>",
    "xds.clusterMetadata": "<cluster>",
    "xds.routeName": "<route-1>",
    "xds.routeMetadata": "<route>",
    "xds.virtualHostName": "<host-1>",
    "xds.virtualHostMetadata": "<virtual host>",
    "xds.listenerDirection": "2",
    "xds.listenerMetadata": "<listener>",
    "xds.filterChainName": "<>",
    filterState: "<kept>",
    upstreamFilterState: "null",
    metadata: "null",
    own: "<kept>",
  });

  /** Request attributes while its headers can be read. */
  const request = {
    "request.path": "</a/b?c=d>",
    "request.urlPath": "</a/b>",
    "request.query": "<c=d>",
    "request.method": "<POST>",
    "request.host": "<host.example>",
    "request.scheme": "<http>",
    "request.id": "true",
    "request.userAgent": "<agent/1>",
    "request.referer": "<http://r/>",
    "request.size": "5",
    "request.duration": "false",
  };

  test("while the request's headers are there", () => {
    expectSeen("request", {
      ...stream(),
      ...request,
      "request.headersSize": "174",
      "request.totalSize": "174",
      "response.code": "0",
      "response.codeDetails": "null",
      "response.flags": "0",
      "response.grpcStatus": "-1",
      "response.size": "0",
      "response.headersSize": "0",
      "response.totalSize": "0",
      "response.backendLatency": "false",
      "upstream.address": "null",
      "upstream.port": "0",
      "upstream.localAddress": "false",
      "upstream.transportFailureReason": "null",
      "upstream.attempts": "0",
      "upstream.endpoints": "1",
      "upstream.poolReadyDuration": "false",
      "upstream.locality": "null",
    });
  });

  /** What is known of the host once it has answered. */
  const host = () => ({
    "response.code": "200",
    "response.codeDetails": "<via_upstream>",
    "response.flags": "0",
    "response.grpcStatus": "2",
    "upstream.address": `<127.0.0.1:${upstream.port}>`,
    "upstream.port": String(upstream.port),
    "upstream.localAddress": "true",
    "upstream.transportFailureReason": "<>",
    "upstream.attempts": "1",
    "upstream.endpoints": "1",
    "upstream.poolReadyDuration": "true",
    "upstream.locality": "<>",
  });

  test("while the response's headers are there", () => {
    expectSeen("response", {
      ...stream(),
      ...host(),
      ...Object.fromEntries(Object.keys(request).map((name) => [name, "null"])),
      "request.id": "false",
      "request.size": "5",
      "request.duration": "false",
      "request.headersSize": "0",
      "request.totalSize": "5",
      "response.size": "0",
      // With x-envoy-upstream-service-time, of one digit or more.
      "response.headersSize": expect.stringMatching(/^5\d$/),
      "response.totalSize": expect.stringMatching(/^5\d$/),
      "response.backendLatency": "false",
    });
  });

  test("at the end", () => {
    expectSeen("log", {
      ...stream(),
      ...host(),
      ...request,
      "request.duration": "true",
      "request.headersSize": expect.stringMatching(/^2\d\d$/),
      "request.totalSize": expect.stringMatching(/^2\d\d$/),
      "response.size": "6",
      "response.headersSize": expect.stringMatching(/^(\d\d|10\d)$/),
      "response.totalSize": expect.stringMatching(/^\d{2,3}$/),
      "response.backendLatency": "true",
    });
  });
});
