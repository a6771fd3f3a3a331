import { createServer } from "node:net";
import { afterAll, expect, test } from "vitest";
import { convertManagerTimeouts } from "../../../host/config/convert/timeouts";

import { protocolOf } from "../../../host/proxy/downstream/protocol-detection";
import {
  grouped,
  requestHeaders,
  responseHeaders,
  UnwritableError,
} from "../../../host/proxy/http2/wire-headers";
import { HeaderMap } from "../../../host/stores/header-map";
import { H2Client, h2Exchange } from "../../support/h2-client";
import { Flag, FrameClient, FrameType, frame, headerBlock } from "../../support/h2-frames";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { RawClient } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";
import { httpUpstream, readBody } from "./support/upstream";

/** What only the Node engine has or can be asked; the rest is in test/conformance/http2. */

const closing: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(closing.map((close) => close())));

/** A proxy whose upstream answers when told to. */
async function held(limits: Parameters<typeof convertManagerTimeouts>[0] = {}) {
  const releases: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  let open = false;
  const upstream = await httpUpstream(async (request, response) => {
    const body = await readBody(request).catch(() => "cut");
    const answer = () => response.end(`late ${body}`);
    releases.push(answer);
    if (open) answer();
    for (const wake of waiting.splice(0)) wake();
  });
  const started = await startProxy(
    bootstrap(
      [listener([virtualHost([route("/", toCluster("app"))])], { timeouts: convertManagerTimeouts(limits) })],
      [cluster("app", upstream.port)],
    ),
  );
  closing.push(() => started.proxy.kill().then(() => upstream.close()));
  const arrived = async (count: number) => {
    while (releases.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const release = () => {
    open = true;
    for (const r of releases) r();
  };
  const stat = (name: string) => Number(started.proxy.store.counter(`http.ingress.${name}`).value);
  return { ...started, arrived, release, stat };
}

const GET: [string, string][] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":authority", "a"],
  [":path", "/"],
];

test("stop: GOAWAY; streams in flight finish, the connection ends by itself", async () => {
  const { proxy, port, arrived, release, stat } = await held();
  const client = await H2Client.connect(port);
  const early = client.start({ method: "POST", body: "x" });
  await arrived(1);
  const stopped = proxy.stop(10_000);
  await expect.poll(() => client.goaways.length).toBeGreaterThan(0);
  expect(client.goaways[0]).toEqual({ code: 0, last: 1 });
  release();
  expect((await early.response()).text).toBe("late x");
  await client.closed;
  await stopped;
  expect(stat("downstream_cx_drain_close")).toBe(1);
  expect(proxy.store.gauge("http2.streams_active").value).toBe(0n);
});

test("a request that crosses GOAWAY is not served, and the client knows", async () => {
  const { proxy, port, arrived, release, chains } = await held();
  const client = await FrameClient.connect(port);
  client.headers(1, GET);
  await arrived(1);
  const stopped = proxy.stop(10_000);
  const goaway = await client.until((f) => f.type === FrameType.Goaway);
  expect(goaway!.payload.readUInt32BE(0)).toBe(1);
  client.headers(3, GET);
  release();
  await client.until(() => false);
  expect(client.of(1).some((f) => f.type === FrameType.Data && (f.flags & Flag.EndStream) !== 0)).toBe(true);
  expect(client.of(3)).toEqual([]);
  await stopped;
  expect(chains.started).toBe(1);
});

test("stop ends connections that are idle, or have said nothing yet", async () => {
  const { proxy, port } = await held();
  const idle = await H2Client.connect(port);
  const silent = await RawClient.connect(port);
  await proxy.stop(10_000);
  await idle.closed;
  await silent.untilClosed();
});

test("kill cuts HTTP/2 connections", async () => {
  const { proxy, port, arrived, chains } = await held();
  const client = await H2Client.connect(port);
  client.start();
  await arrived(1);
  await proxy.kill();
  await client.closed;
  await chains.finished(1);
  expect(chains.finishes).toEqual([1]);
});

test("a stream may not be silent for ever; its connection stays", async () => {
  const { port, chains, stat } = await held({ stream_idle_timeout: "0.05s" });
  const client = await H2Client.connect(port);
  const waiting = await client.request();
  expect([waiting.status, waiting.text]).toEqual([504, "stream timeout"]);
  const slow = await client.start({ method: "POST" }, true).response();
  expect([slow.status, slow.text]).toEqual([408, "stream timeout"]);
  await chains.finished(2);
  expect(chains.details).toEqual(["stream_idle_timeout", "stream_idle_timeout"]);
  expect(stat("downstream_rq_idle_timeout")).toBe(2);
  expect(client.session.closed).toBe(false);
  client.close();
});

test("every stream ends once, whatever its client does", async () => {
  const { port, chains, release, arrived } = await held();
  const clients = await Promise.all(Array.from({ length: 10 }, () => H2Client.connect(port)));
  clients.forEach((client, i) => {
    for (let n = 0; n < 20; n++) {
      const exchange = client.start({ method: "POST" }, true);
      exchange.stream.write("abc");
      if (n % 3 === 0) setImmediate(() => exchange.reset(n % 2 === 0 ? 8 : 0));
      else exchange.stream.end();
    }
    if (i % 2 === 0) setTimeout(() => client.session.destroy(), 20);
  });
  await arrived(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  release();
  await chains.finished(chains.started);
  expect(chains.finishes.every((count) => count === 1)).toBe(true);
  for (const client of clients) client.close();
});

test("a stream that is reset in the same breath as it was opened", async () => {
  const { port, chains, release } = await held();
  release();
  const client = await RawClient.connect(port);
  const post: [string, string][] = [[":method", "POST"], ...GET.slice(1), ["expect", "100-continue"]];
  const reset = Buffer.from([0, 0, 0, 8]);
  const bytes = [Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(FrameType.Settings, 0, 0)];
  for (let stream = 1; stream < 20; stream += 2)
    bytes.push(
      frame(FrameType.Headers, Flag.EndHeaders, stream, headerBlock(post)),
      frame(FrameType.RstStream, 0, stream, reset),
    );
  client.write(Buffer.concat(bytes).toString("latin1"));
  await chains.finished(10);
  expect(chains.finishes.every((count) => count === 1)).toBe(true);
  client.socket.destroy();
  expect((await h2Exchange(port)).status).toBe(200);
});

test("a preface in pieces is a preface; less of one is HTTP/1", async () => {
  const { port, release, arrived } = await held();
  const client = await RawClient.connect(port);
  const text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const at of [0, 1, 5, 11, 12]) {
    client.write(text.slice(at, [1, 5, 11, 12, text.length][[0, 1, 5, 11, 12].indexOf(at)]));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  client.write(frame(FrameType.Settings, 0, 0).toString("latin1"));
  await expect.poll(() => client.received.length).toBeGreaterThan(8);
  expect(client.received.charCodeAt(3)).toBe(FrameType.Settings);
  client.socket.destroy();

  const other = await RawClient.connect(port);
  other.write("P");
  await new Promise((resolve) => setTimeout(resolve, 5));
  other.write("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  await arrived(1);
  release();
  expect(await other.response()).toContain("late hi");
  other.socket.destroy();
});

test("a client that says nothing and closes is let go", async () => {
  const { proxy, port } = await held();
  const client = await RawClient.connect(port);
  client.socket.end();
  await client.untilClosed();
  const { store } = proxy;
  await expect.poll(() => store.gauge("http.ingress.downstream_cx_active").value).toBe(0n);
  expect(store.counter("http.ingress.downstream_cx_http1_total").value).toBe(0);
});

test.each([
  ["", undefined],
  ["P", undefined],
  ["PRI * HTTP/", undefined],
  ["PRI * HTTP/2", "HTTP2"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP2"],
  ["PRI * HTTP/1", "HTTP1"],
  ["GET / HTTP/1.1", "HTTP1"],
  ["\x16\x03\x01", "HTTP1"],
])("%j speaks %s", (bytes, protocol) => {
  expect(protocolOf(Buffer.from(bytes, "latin1"))).toBe(protocol);
});

function responseOf(...pairs: [string, string][]): HeaderMap {
  return HeaderMap.of("response", [[":status", "200"], ...pairs]);
}

test("older node:http2 gets lines of one name together", () => {
  expect({ ...grouped([...responseOf(["a", "1"], ["b", "2"], ["a", "3"], ["a", "4"])].flat()) }).toEqual({
    ":status": "200",
    a: ["1", "3", "4"],
    b: "2",
  });
});

test.each<[string, [string, string], number]>([
  ["a pseudo-header", [":foo", "x"], 200],
  ["a blank in a name", ["a b", "x"], 200],
  ["a line end in a value", ["a", "x\ny"], 200],
  ["te", ["te", "gzip"], 200],
  ["an informational status", ["a", "b"], 100],
  ["no status of HTTP", ["a", "b"], 700],
])("%s cannot be written", (_, pair, status) => {
  expect(() => responseHeaders(responseOf(pair), status)).toThrow(UnwritableError);
});

test.each<[string, [string, string][]]>([
  ["no authority", [[":path", "/"]]],
  [
    "an empty authority",
    [
      [":path", "/"],
      [":authority", ""],
    ],
  ],
  [
    "a blank in the authority",
    [
      [":path", "/"],
      [":authority", "a b"],
    ],
  ],
  [
    "a blank in the path",
    [
      [":path", "/a b"],
      [":authority", "a"],
    ],
  ],
  [
    "a pseudo-header of a response",
    [
      [":path", "/"],
      [":authority", "a"],
      [":status", "200"],
    ],
  ],
  [
    "a pseudo-header nobody knows",
    [
      [":path", "/"],
      [":authority", "a"],
      [":foo", "x"],
    ],
  ],
])("a request with %s cannot be written", (_, headers) => {
  expect(() => requestHeaders(HeaderMap.of("request", [[":method", "GET"], ...headers]))).toThrow(
    UnwritableError,
  );
});

const AUTHORITY: [string, string][] = [
  [":path", "/"],
  [":authority", "a"],
];

test.each<[string, [string, string][], [string, string][]]>([
  [
    "stays when it is one of HTTP",
    [[":scheme", "https"], ...AUTHORITY],
    [[":scheme", "https"], ...AUTHORITY],
  ],
  ["else is http, in its place", [[":scheme", "ftp"], ...AUTHORITY], [[":scheme", "http"], ...AUTHORITY]],
  [
    "is put behind the other pseudo-headers",
    [...AUTHORITY, ["x", "y"]],
    [...AUTHORITY, [":scheme", "http"], ["x", "y"]],
  ],
  ["is put at the end", AUTHORITY, [...AUTHORITY, [":scheme", "http"]]],
  [
    "is that of x-forwarded-proto when there is none",
    [...AUTHORITY, ["x-forwarded-proto", "https"]],
    [...AUTHORITY, [":scheme", "https"], ["x-forwarded-proto", "https"]],
  ],
])("the scheme of a request %s", (_, headers, wanted) => {
  expect(requestHeaders(HeaderMap.of("request", headers))).toEqual(wanted.flat());
});

test("what cannot be written is a 500 in its place, and the connection goes on", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write("HTTP/1.1 700 Odd\r\ncontent-length: 2\r\n\r\nhi"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const upstreamPort = (server.address() as { port: number }).port;
  const { proxy, port, chains } = await startProxy(
    bootstrap([listener([virtualHost([route("/", toCluster("app"))])])], [cluster("app", upstreamPort)]),
  );
  const response = await h2Exchange(port);
  expect([response.status, response.text]).toEqual([500, ""]);
  expect(chains.details).toEqual(["invalid_response_header"]);
  await proxy.kill();
  server.close();
});
