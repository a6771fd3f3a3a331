import { connect } from "node:net";
import { afterAll, expect, test } from "vitest";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { exchange } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";
import { tcpUpstream } from "./support/upstream";

const cleanups: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** Small reproducible random numbers. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

const ANSWERS = [
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello",
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 500 Oops\r\n\r\nbye",
  "no http at all\r\n\r\n",
  "",
];
const REQUESTS = [
  "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
  "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc",
  "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz",
  "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n",
  "nonsense\r\n\r\n",
  "GET /x HT",
];
const ENDINGS = ["end", "resetAndDestroy", "destroy"] as const;

test("clients and upstreams that break at any moment: every stream ends once, the proxy lives on", async () => {
  const pick = random(7);
  const upstream = await tcpUpstream((socket) => {
    socket.on("data", () => {
      const answer = ANSWERS[pick(ANSWERS.length)]!;
      const cut = pick(3) === 0 ? pick(answer.length + 1) : answer.length;
      socket.write(answer.slice(0, cut));
      if (pick(2) === 0) socket[ENDINGS[pick(ENDINGS.length)]!]();
    });
  });
  cleanups.push(() => upstream.close());
  const started = await startProxy(
    bootstrap([listener([virtualHost([route("/", toCluster("app", 50))])])], [cluster("app", upstream.port)]),
  );
  cleanups.push(() => started.proxy.kill());

  const client = () =>
    new Promise<void>((resolve) => {
      const socket = connect({ port: started.port, host: "127.0.0.1" });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      const request = REQUESTS[pick(REQUESTS.length)]!;
      const steps = 1 + pick(3);
      for (let i = 0; i < steps; i++) {
        const from = Math.floor((request.length * i) / steps);
        socket.write(request.slice(from, Math.floor((request.length * (i + 1)) / steps)));
      }
      const ending = ENDINGS[pick(ENDINGS.length)]!;
      const turns = pick(40);
      const later = (left: number): unknown =>
        left === 0 ? socket[ending]() : setImmediate(later, left - 1);
      later(turns);
      socket.resume();
    });
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 50 }, client));

  const { chains, proxy } = started;
  // Bytes of clients that are gone may still be in the kernel: all is told once the proxy's side has closed, too.
  const zero = (name: string) => proxy.store.gauge(name).value === 0n;
  while (!zero("http.ingress.downstream_cx_active")) await new Promise((resolve) => setImmediate(resolve));
  await chains.finished(chains.started);
  expect(chains.started).toBeGreaterThan(300);
  expect(chains.finishes.filter((n) => n !== 1)).toEqual([]);
  expect(zero("http.ingress.downstream_rq_active")).toBe(true);
  expect(zero("cluster.app.upstream_rq_active")).toBe(true);
  expect(zero("cluster.app.upstream_rq_pending_active")).toBe(true);
  expect(proxy.clusters.get("app")!.resources.requests.count).toBe(0);
  expect(await exchange(started.adminPort, "GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).toContain(
    "LIVE",
  );
}, 60_000);
