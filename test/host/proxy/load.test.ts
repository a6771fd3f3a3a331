import { Agent, request } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { startProxy } from "./support/start-proxy";
import { httpUpstream, readBody } from "./support/upstream";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** By default a cluster lets 1024 requests wait for a connection, as Envoy's does. */
const AMPLE = { max_connections: 1024, max_pending_requests: 4096, max_requests: 4096, max_retries: 3 };

test("2000 concurrent keep-alive requests with bodies lose none", async () => {
  const upstream = await httpUpstream((req, res) => {
    void readBody(req).then((body) => {
      res.setHeader("x-length", String(body.length));
      res.end(body);
    });
  });
  cleanups.push(() => upstream.close());
  const { port, proxy, chains } = await startProxy(
    bootstrap(
      [listener([virtualHost([route("/", toCluster("app"))])])],
      [cluster("app", upstream.port, { circuitBreakers: AMPLE })],
    ),
  );
  cleanups.push(() => proxy.kill());
  const agent = new Agent({ keepAlive: true, maxSockets: 2000 });
  const send = (id: number) =>
    new Promise<string>((resolve, reject) => {
      const body = Buffer.alloc(1000 + (id % 500), `${id}|`);
      const req = request({ port, host: "127.0.0.1", agent, method: "POST", path: `/${id}` }, (res) => {
        readBody(res as never).then(
          (answer) => resolve(res.statusCode === 200 && answer.equals(body) ? "ok" : `${res.statusCode}`),
          reject,
        );
      });
      req.on("error", reject);
      // Half of them chunked, half counted.
      if (id % 2 === 0) req.end(body);
      else {
        req.write(body.subarray(0, 500));
        req.end(body.subarray(500));
      }
    });
  for (let round = 0; round < 2; round++) {
    const results = await Promise.all(Array.from({ length: 2000 }, (_, id) => send(id)));
    expect(results.filter((r) => r !== "ok")).toEqual([]);
  }
  agent.destroy();
  await chains.finished(4000);
  expect(chains.finishes.every((n) => n === 1)).toBe(true);
  expect(proxy.store.counter("http.ingress.downstream_rq_2xx").value).toBe(4000);
  expect(proxy.store.counter("cluster.app.upstream_rq_200").value).toBe(4000);
  expect(proxy.store.gauge("cluster.app.upstream_rq_active").value).toBe(0n);
  expect(proxy.store.gauge("http.ingress.downstream_rq_active").value).toBe(0n);
}, 60_000);

const MEGABYTES = 64;

test("a slow client holds the upstream back, and gets every byte", async () => {
  const block = Buffer.alloc(64 * 1024, "x");
  let sent = 0;
  const upstream = await httpUpstream((_, res) => {
    const more = () => {
      while (sent < MEGABYTES * 1024 * 1024) {
        sent += block.length;
        if (!res.write(block)) return void res.once("drain", more);
      }
      res.end();
    };
    more();
  });
  cleanups.push(() => upstream.close());
  const { port, proxy } = await startProxy(
    bootstrap([listener([virtualHost([route("/", toCluster("app", 0))])])], [cluster("app", upstream.port)]),
  );
  cleanups.push(() => proxy.kill());
  const client = connect({ port, host: "127.0.0.1" });
  client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let received = 0;
  await new Promise<void>((resolve) => client.once("readable", resolve));
  await settled(() => sent);
  // Kernel buffers on four ends and the proxy's own; far less than the whole.
  expect(sent).toBeLessThan(24 * 1024 * 1024);
  for await (const chunk of client) received += (chunk as Buffer).length;
  expect(received).toBeGreaterThan(MEGABYTES * 1024 * 1024);
}, 30_000);

test("a slow upstream holds the client back", async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let got = 0;
  const upstream = await httpUpstream((req, res) => {
    void released.then(async () => {
      for await (const chunk of req) got += (chunk as Buffer).length;
      res.end(String(got));
    });
  });
  cleanups.push(() => upstream.close());
  const { port, proxy } = await startProxy(
    bootstrap([listener([virtualHost([route("/", toCluster("app", 0))])])], [cluster("app", upstream.port)]),
  );
  cleanups.push(() => proxy.kill());
  const total = MEGABYTES * 1024 * 1024;
  const client = connect({ port, host: "127.0.0.1" });
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${total}\r\n\r\n`);
  const block = Buffer.alloc(64 * 1024, "x");
  let written = 0;
  const more = () => {
    while (written < total) {
      written += block.length;
      if (!client.write(block)) return void client.once("drain", more);
    }
  };
  more();
  await settled(() => written);
  expect(written).toBeLessThan(24 * 1024 * 1024);
  release();
  let text = "";
  for await (const chunk of client) text += (chunk as Buffer).toString();
  expect(text.endsWith(String(total))).toBe(true);
}, 30_000);

/** Resolves when a number has stopped growing for a while: nothing else tells that bytes are stuck. */
async function settled(read: () => number): Promise<void> {
  for (let before = -1; before !== read(); ) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
