import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../host/clock";
import { convertHttp2 } from "../../../host/config/convert/http2";
import { createLogger } from "../../../host/log";
import { AdminServer } from "../../../host/proxy/admin/admin-server";
import { bugReporter } from "../../../host/proxy/bug-reporter";
import { Http2Request } from "../../../host/proxy/clusters/http2-request";
import { UpstreamRequest } from "../../../host/proxy/clusters/upstream-request";
import { ActiveStream } from "../../../host/proxy/downstream/active-stream";
import { ConnectionManager } from "../../../host/proxy/downstream/connection-manager";
import { Http1Codec } from "../../../host/proxy/downstream/http1/http1-codec";
import { Http1Connection } from "../../../host/proxy/downstream/http1/http1-connection";
import { Http1Stream } from "../../../host/proxy/downstream/http1/http1-stream";
import { Http2Connection } from "../../../host/proxy/downstream/http2/http2-connection";
import { Http2Stream } from "../../../host/proxy/downstream/http2/http2-stream";
import { StreamFacts } from "../../../host/proxy/downstream/stream-facts";
import { MessageBody } from "../../../host/proxy/http2/message-body";
import { NodeProxy } from "../../../host/proxy/proxy";
import { ClusterExchange } from "../../../host/proxy/router/cluster-exchange";
import { Router } from "../../../host/proxy/router/router";
import { TimeLimits } from "../../../host/proxy/router/time-limits";
import { TcpConnection } from "../../../host/proxy/tcp/tcp-connection";
import { UpstreamConnection } from "../../../host/proxy/tcp/upstream-connection";
import { FilterChain } from "../../../host/stream/filter-chain";
import { Http2Upstream } from "../../support/http2-upstream";
import { TcpPeer, TcpUpstream } from "../../support/tcp-peer";
import {
  bootstrap,
  cluster,
  listener,
  route,
  tcpListener,
  toCluster,
  virtualHost,
} from "./support/bootstrap";
import { RawClient } from "./support/raw-client";
import { echo, httpUpstream } from "./support/upstream";

// Defects of the host outside the filters, put into one method at a time. That nothing reaches the process is what
// vitest itself looks at.

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The next call of that method throws. */
function breakOnce(owner: { prototype: object }, method: string): void {
  vi.spyOn(owner.prototype as Record<string, () => void>, method).mockImplementationOnce(() => {
    throw new TypeError(`a defect in ${method}`);
  });
}

async function start(listeners: Parameters<typeof bootstrap>[0], port: number, http2 = false) {
  const lines: string[] = [];
  const log = createLogger((line) => lines.push(line));
  const onBug = bugReporter(log);
  const upstream = cluster("app", port, { http2: http2 ? convertHttp2({}) : undefined });
  const proxy = new NodeProxy(bootstrap(listeners, [upstream]), {
    clock: systemClock,
    log,
    concurrency: 1,
    loadFilters: async () => [],
    chainFactory: () => (ends) =>
      new FilterChain([], ends, { requestBufferLimit: 1e6, responseBufferLimit: 1e6, onBug }),
    closeFilters() {},
  });
  await proxy.start();
  cleanups.push(() => proxy.kill());
  const bugs = () => lines.filter((line) => line.includes("host bug in"));
  return { proxy, port: proxy.listeners[0]!.port, bugs };
}

const http = (timeoutMs?: number) => [listener([virtualHost([route("/", toCluster("app", timeoutMs))])])];

type Outcome = number | "cut";

async function askHttp1(port: number): Promise<Outcome> {
  const call = request({ port, host: "127.0.0.1", method: "POST", agent: false });
  call.end("x");
  try {
    const [response] = (await once(call, "response")) as [IncomingMessage];
    for await (const _ of response);
    return response.statusCode!;
  } catch {
    return "cut";
  }
}

async function askHttp2(port: number): Promise<Outcome> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    const stream = session.request({ ":method": "POST" });
    stream.end("x");
    const closed = once(stream, "close").then(() => undefined);
    const answer = await Promise.race([once(stream, "response"), closed]);
    if (!answer) return "cut";
    const [headers] = answer;
    for await (const _ of stream);
    return Number(headers[":status"]);
  } catch {
    return "cut";
  } finally {
    session.destroy();
  }
}

describe.each([
  { name: "HTTP/1", ask: askHttp1 },
  { name: "HTTP/2", ask: askHttp2 },
])("$name downstream", ({ name, ask }) => {
  const own: [object: { prototype: object }, method: string, outcome: Outcome][] =
    name === "HTTP/1"
      ? [
          [Http1Connection, "onRequestHead", "cut"],
          [Http1Codec, "serve", 500],
          [Http1Stream, "attach", 500],
          [Http1Stream, "onRequestEnd", 500],
          [Http1Stream, "sendData", "cut"],
          // All of the body has been sent by then.
          [ClusterExchange, "complete", 200],
          [UpstreamRequest, "onResponseEnd", 200],
        ]
      : [
          [Http2Connection, "onStream", 500],
          [Http2Connection, "serve", 500],
          [Http2Stream, "attach", 500],
          [Http2Stream, "sendHead", "cut"],
          [ClusterExchange, "complete", "cut"],
          [UpstreamRequest, "onResponseEnd", "cut"],
          [MessageBody, "onEnd", 500],
        ];
  const shared: typeof own = [
    [ConnectionManager, "streamStarted", 500],
    [StreamFacts, "currentRoute", 500],
    [ActiveStream, "onRequestData", 500],
    [ActiveStream, "finish", 200],
    [Router, "decodeHeaders", 500],
    [ClusterExchange, "onUpstreamReady", 500],
    [ClusterExchange, "onUpstreamHeaders", 500],
    [UpstreamRequest, "onChannel", 500],
    [UpstreamRequest, "onResponseHead", 500],
  ];
  test.each([...own, ...shared])("%o.%s: %s", async (owner, method, outcome) => {
    const upstream = await httpUpstream(echo);
    cleanups.push(() => upstream.close());
    const { port, bugs } = await start(http(), upstream.port);
    breakOnce(owner, method);
    expect(await ask(port)).toBe(outcome);
    await expect.poll(bugs).not.toEqual([]);
    expect(bugs()[0]).toContain(`TypeError: a defect in ${method}`);
    expect(await ask(port)).toBe(200);
  });

  test("the route's timeout: 500", async () => {
    const upstream = createServer(() => {});
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
    cleanups.push(() => {
      upstream.closeAllConnections();
      upstream.close();
    });
    const { port, bugs } = await start(http(50), (upstream.address() as AddressInfo).port);
    breakOnce(TimeLimits, "onTimeout");
    expect(await ask(port)).toBe(500);
    expect(bugs()).toHaveLength(1);
    expect(await ask(port)).toBe(504);
  });
});

test.each<[method: string, outcome: Outcome]>([
  ["start", 500],
  ["onResponse", 500],
  ["onData", "cut"],
  ["onClose", 200],
])("an HTTP/2 upstream, Http2Request.%s: %s", async (method, outcome) => {
  const upstream = await Http2Upstream.start(async (request) => {
    await request.ended();
    if (request.stream.destroyed) return;
    request.stream.respond({ ":status": 200 });
    request.stream.end("hi");
  });
  cleanups.push(() => upstream.close());
  const { port, bugs } = await start(http(), upstream.port, true);
  breakOnce(Http2Request, method);
  expect(await askHttp1(port)).toBe(outcome);
  await expect.poll(bugs).not.toEqual([]);
  expect(await askHttp1(port)).toBe(200);
});

test("bytes that are no HTTP, Http1Codec.refuse: the connection is cut", async () => {
  const { port, bugs } = await start(http(), 1);
  breakOnce(Http1Codec, "refuse");
  const client = await RawClient.connect(port);
  client.write("no HTTP at all\r\n\r\n");
  await client.until(({ closed, ended }) => closed || ended);
  client.socket.destroy();
  expect(bugs()).toHaveLength(1);
});

test.each([
  [TcpConnection, "onClientData"],
  [TcpConnection, "onUpstreamConnected"],
  [TcpConnection, "onUpstreamData"],
  [UpstreamConnection, "countEstablished"],
] as const)("TCP, %o.%s: the connection is closed", async (owner, method) => {
  const upstream = await TcpUpstream.start();
  cleanups.push(() => upstream.close());
  const { port, bugs } = await start([tcpListener()], upstream.port);
  breakOnce(owner, method);
  const client = await TcpPeer.connect(port);
  client.write("x");
  if (method === "onUpstreamData") (await upstream.connection(0)).write("y");
  await expect.poll(() => client.isGone || client.isEnded).toBe(true);
  client.reset();
  expect(bugs()).toHaveLength(1);
  const next = await TcpPeer.connect(port);
  next.write("again");
  await (await upstream.connection(1)).receives("again");
  next.reset();
});

test("a page of the admin interface: 500", async () => {
  const { proxy, bugs } = await start(http(), 1);
  const url = `http://127.0.0.1:${proxy.admin!.port}/stats`;
  breakOnce(AdminServer, "reply");
  expect((await fetch(url)).status).toBe(500);
  expect(bugs()).toHaveLength(1);
  expect((await fetch(url)).status).toBe(200);
});
