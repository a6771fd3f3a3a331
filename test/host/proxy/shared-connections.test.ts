import { afterEach, expect, test } from "vitest";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { normalise, RawClient } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";
import { tcpUpstream } from "./support/upstream";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Answers the first request once the second one waits for the only connection there may be. */
async function answers(first: string, method = "GET"): Promise<{ first: string; second: string }> {
  const seen: string[] = [];
  let wake = () => {};
  const upstream = await tcpUpstream((socket) => {
    socket.setEncoding("latin1").on("data", (text: string) => {
      const path = / (\/\S*) /.exec(text)![1]!;
      seen.push(path);
      if (path === "/first") wake = () => socket.write(first);
      else socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond`);
    });
  });
  cleanups.push(() => upstream.close());
  const limits = { connectionLimits: { perHost: 1, trackRemaining: { default: false, high: false } } };
  const { proxy, port, adminPort } = await startProxy(
    bootstrap(
      [listener([virtualHost([route("/", toCluster("app"))])])],
      [cluster("app", upstream.port, limits)],
    ),
  );
  cleanups.push(() => proxy.kill());
  const [one, two] = [await RawClient.connect(port), await RawClient.connect(port)];
  one.write(`${method} /first HTTP/1.1\r\nhost: a\r\n\r\n`);
  await expect.poll(() => seen).toEqual(["/first"]);
  two.write("GET /second HTTP/1.1\r\nhost: a\r\n\r\n");
  const stats = `http://127.0.0.1:${adminPort}/stats?filter=app.upstream_rq_pending_active`;
  await expect.poll(async () => (await fetch(stats)).text()).toContain("active: 1");
  wake();
  const result = { first: await one.response(method === "HEAD"), second: await two.response() };
  expect(seen).toEqual(["/first", "/second"]);
  for (const client of [one, two]) client.destroy();
  return { first: normalise(result.first), second: normalise(result.second) };
}

test.each([
  ["HTTP/1.1 204 No Content\r\n\r\n"],
  ["HTTP/1.1 304 Not Modified\r\n\r\n"],
  ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
  ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
])(
  "the end of an answer without a body is not the end of the next one's on its connection: %j",
  async (text) => {
    const { first, second } = await answers(text);
    expect(first).toContain(text.slice(0, 15));
    expect(second).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nsecond$/s);
  },
);

test("the same for an answer to HEAD", async () => {
  const { second } = await answers("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HEAD");
  expect(second).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nsecond$/s);
});
