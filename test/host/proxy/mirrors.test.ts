import { afterEach, expect, test } from "vitest";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { exchange } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";
import { echo, httpUpstream, tcpUpstream } from "./support/upstream";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test.each([
  ["GET / HTTP/1.1\r\nhost: a\r\n\r\n"],
  ["POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab"],
])("a copy that is never answered is given up after the time of its request: %j", async (request) => {
  let gone = 0;
  const silent = await tcpUpstream((socket) => {
    socket.resume();
    socket.once("close", () => gone++);
  });
  const app = await httpUpstream(echo);
  cleanups.push(silent.close, app.close);
  const mirrors = [{ cluster: "silent", fraction: undefined, keepHost: false }];
  const { proxy, port } = await startProxy(
    bootstrap(
      [listener([virtualHost([route("/", { ...toCluster("app", 300), mirrors })])])],
      [cluster("app", app.port), cluster("silent", silent.port)],
    ),
  );
  cleanups.push(() => proxy.kill());
  expect(await exchange(port, request)).toContain("200 OK");
  await expect.poll(() => gone, { timeout: 5000 }).toBe(1);
});
