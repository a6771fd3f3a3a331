import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { convertDownstreamCodec, convertUpstreamCodec } from "../../../host/config/convert/codec";
import { ResponseFlag } from "../../../host/stores/stream-info";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { exchange, RawClient } from "./support/raw-client";
import { type StartedProxy, startProxy } from "./support/start-proxy";
import { echo, httpUpstream, tcpUpstream } from "./support/upstream";

const TRAILERS = { http_protocol_options: { enable_trailers: true } };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function proxyTo(
  port: number | undefined,
  timeoutMs = 15_000,
  connectTimeoutMs = 5000,
): Promise<StartedProxy> {
  const routes = [route("/", toCluster("app", timeoutMs))];
  const started = await startProxy(
    bootstrap([listener([virtualHost(routes)])], [cluster("app", port, { connectTimeoutMs })]),
  );
  cleanups.push(() => started.proxy.kill());
  return started;
}

async function server(onConnection: Parameters<typeof tcpUpstream>[0]): Promise<number> {
  const upstream = await tcpUpstream(onConnection);
  cleanups.push(() => upstream.close());
  return upstream.port;
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

function local(status: string, body: string): string {
  return (
    `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain\r\n` +
    `date: D\r\nserver: envoy\r\n\r\n${body}`
  );
}

const RESET = "upstream connect error or disconnect/reset before headers. reset reason:";

async function closedPort(): Promise<number> {
  const upstream = await tcpUpstream(() => {});
  await upstream.close();
  return upstream.port;
}

describe("before the response headers", () => {
  test("connection refused", async () => {
    const { port, chains } = await proxyTo(await closedPort());
    expect(await exchange(port, GET)).toBe(
      local("503 Service Unavailable", `${RESET} remote connection failure`),
    );
    await chains.finished(1);
    expect(chains.details).toEqual([
      "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
    ]);
    expect(chains.flags).toEqual([ResponseFlag.UpstreamConnectionFailure]);
  });

  test("no host", async () => {
    const { port, chains } = await proxyTo(undefined);
    expect(await exchange(port, GET)).toBe(local("503 Service Unavailable", "no healthy upstream"));
    await chains.finished(1);
    expect(chains.details).toEqual(["no_healthy_upstream"]);
    expect(chains.flags).toEqual([ResponseFlag.NoHealthyUpstream]);
  });

  test("closed without an answer", async () => {
    const { port, chains } = await proxyTo(await server((socket) => socket.once("data", () => socket.end())));
    expect(await exchange(port, GET)).toBe(
      local("503 Service Unavailable", `${RESET} connection termination`),
    );
    await chains.finished(1);
    expect(chains.details).toEqual(["upstream_reset_before_response_started{connection_termination}"]);
    expect(chains.flags).toEqual([ResponseFlag.UpstreamConnectionTermination]);
  });

  test("an answer that is no HTTP", async () => {
    const { port, chains } = await proxyTo(
      await server((s) => s.once("data", () => s.write("garbage\r\n\r\n"))),
    );
    expect(await exchange(port, GET)).toBe(local("502 Bad Gateway", `${RESET} protocol error`));
    await chains.finished(1);
    expect(chains.details).toEqual(["upstream_reset_before_response_started{protocol_error}"]);
    expect(chains.flags).toEqual([ResponseFlag.UpstreamProtocolError]);
  });

  test.each([
    ["an unknown transfer-encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"],
    ["a status below 100", "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n"],
    ["more than 100 headers", `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(101)}\r\n`],
    [
      "an upgrade nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ],
  ])("%s is a protocol error", async (_, answer) => {
    const { port } = await proxyTo(await server((s) => s.on("data", () => s.write(answer))));
    expect(await exchange(port, GET)).toBe(local("502 Bad Gateway", `${RESET} protocol error`));
  });

  test("no answer in time", async () => {
    const { port, chains, proxy } = await proxyTo(await server(() => {}), 50);
    expect(await exchange(port, GET)).toBe(local("504 Gateway Timeout", "upstream request timeout"));
    await chains.finished(1);
    expect(chains.details).toEqual(["response_timeout"]);
    expect(chains.flags).toEqual([ResponseFlag.UpstreamRequestTimeout]);
    expect(proxy.store.counter("cluster.app.upstream_rq_timeout").value).toBe(1);
  });

  test("the timeout waits for the end of the request", async () => {
    const { port, chains } = await proxyTo(await server(() => {}), 50);
    const client = await RawClient.connect(port);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
    // Three times the route's timeout pass without an answer while the request is incomplete.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(client.received).toBe("");
    client.write("b");
    expect(await client.response()).toContain("504 Gateway Timeout");
    client.destroy();
    await chains.finished(1);
  });

  test("unknown cluster", async () => {
    const started = await startProxy(
      bootstrap([listener([virtualHost([route("/", toCluster("nowhere"))])])], []),
    );
    cleanups.push(() => started.proxy.kill());
    const bare = "date: D\r\nserver: envoy\r\ncontent-length: 0\r\n\r\n";
    expect(await exchange(started.port, GET)).toBe(`HTTP/1.1 503 Service Unavailable\r\n${bare}`);
    await started.chains.finished(1);
    expect(started.chains.details).toEqual(["cluster_not_found"]);
  });

  test("no route", async () => {
    const started = await startProxy(bootstrap([listener([virtualHost([])])], []));
    cleanups.push(() => started.proxy.kill());
    const bare = "date: D\r\nserver: envoy\r\ncontent-length: 0\r\n\r\n";
    expect(await exchange(started.port, GET)).toBe(`HTTP/1.1 404 Not Found\r\n${bare}`);
    await started.chains.finished(1);
    expect(started.chains.details).toEqual(["route_not_found"]);
    expect(started.chains.flags).toEqual([ResponseFlag.NoRouteFound]);
  });
});

describe("in the middle of a response", () => {
  test.each([
    ["counted", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", "end"],
    ["chunked", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", "end"],
    ["reset", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", "resetAndDestroy"],
  ] as const)("a dead upstream (%s) ends the client's connection", async (_, answer, end) => {
    const { port, chains } = await proxyTo(
      await server((socket) =>
        socket.once("data", () => {
          socket.write(answer);
          kill = () => socket[end]();
        }),
      ),
    );
    let kill = () => {};
    const client = await RawClient.connect(port);
    client.write(GET);
    await client.until((c) => c.received.includes("abc"));
    kill();
    const text = await client.untilClosed();
    expect(text).toContain("HTTP/1.1 200 OK");
    expect(text).not.toContain("0\r\n\r\n");
    await chains.finished(1);
    expect(chains.finishes).toEqual([1]);
    expect(chains.details[0]).toMatch(/^upstream_reset_after_response_started\{/);
  });

  test("bytes behind a complete response do it no harm", async () => {
    const { port } = await proxyTo(
      await server((s) => s.on("data", () => s.write("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxyz"))),
    );
    for (let i = 0; i < 3; i++) expect(await exchange(port, GET)).toMatch(/200 OK.*\r\n\r\nx$/s);
  });

  test("an answer before the end of the request passes, without a service time", async () => {
    const { port } = await proxyTo(
      await server((s) =>
        s.on("data", () => s.write("HTTP/1.1 200 OK\r\ntrailer: x-t\r\ncontent-length: 1\r\n\r\nx")),
      ),
    );
    const client = await RawClient.connect(port);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab");
    const text = await client.untilClosed();
    expect(text).toContain("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ndate: ");
    expect(text).not.toContain("service-time");
    expect(text).toContain("connection: close\r\n");
  });

  test("a response without length or chunks ends with its connection", async () => {
    const { port } = await proxyTo(
      await server((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\n\r\nall of it"))),
    );
    expect(await exchange(port, GET)).toContain("9\r\nall of it\r\n0\r\n\r\n");
  });
});

describe("the client goes away", () => {
  test("before the answer: the upstream request is dropped", async () => {
    let gone = () => {};
    const upstreamClosed = new Promise<void>((resolve) => {
      gone = resolve;
    });
    let arrived = () => {};
    const upstreamReached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { port, chains } = await proxyTo(
      await server((socket) => {
        socket.once("data", arrived);
        socket.once("close", gone);
      }),
    );
    const client = connect({ port, host: "127.0.0.1" });
    client.write(GET);
    await upstreamReached;
    client.resetAndDestroy();
    await upstreamClosed;
    await chains.finished(1);
    expect(chains.finishes).toEqual([1]);
    expect(chains.details).toEqual(["downstream_remote_disconnect"]);
    expect(chains.flags).toEqual([ResponseFlag.DownstreamConnectionTermination]);
  });

  test("in the middle of its request", async () => {
    let arrived = () => {};
    const upstreamReached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { port, chains } = await proxyTo(await server((socket) => socket.once("data", arrived)));
    const client = connect({ port, host: "127.0.0.1" });
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
    await upstreamReached;
    client.resetAndDestroy();
    await chains.finished(1);
    expect(chains.finishes).toEqual([1]);
  });
});

test("connections are kept and used again", async () => {
  const upstream = await httpUpstream(echo);
  cleanups.push(() => upstream.close());
  const { port, proxy } = await proxyTo(upstream.port);
  for (let i = 0; i < 5; i++) expect(await exchange(port, GET)).toContain("200 OK");
  expect(proxy.store.counter("cluster.app.upstream_cx_total").value).toBe(1);
  expect(proxy.store.counter("cluster.app.upstream_rq_total").value).toBe(5);
  expect(proxy.store.counter("cluster.app.upstream_rq_200").value).toBe(5);
});

test("trailers pass both ways when enabled", async () => {
  const upstream = await httpUpstream((request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, { trailer: "X-Seen" });
      response.write("x");
      response.addTrailers([["X-Seen", request.rawTrailers.join("=")]]);
      response.end();
    });
  });
  cleanups.push(() => upstream.close());
  const started = await startProxy(
    bootstrap(
      [listener([virtualHost([route("/", toCluster("app"))])], { codec: convertDownstreamCodec(TRAILERS) })],
      [
        cluster("app", upstream.port, {
          codec: convertUpstreamCodec({ explicit_http_config: TRAILERS }, false),
        }),
      ],
    ),
  );
  cleanups.push(() => started.proxy.kill());
  const client = await RawClient.connect(started.port);
  client.write(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n",
  );
  await client.until((c) => c.received.includes("x-seen: x-t=1\r\n\r\n"));
  client.destroy();
});
