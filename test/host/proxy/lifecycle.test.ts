import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { convertManagerTimeouts } from "../../../host/config/convert/timeouts";
import { StartError } from "../../../host/errors";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { exchange, RawClient } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";
import { httpUpstream } from "./support/upstream";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });
}

/** A proxy whose upstream answers when told to. */
async function held(limits: Parameters<typeof convertManagerTimeouts>[0] = {}) {
  const releases: (() => void)[] = [];
  let reached = () => {};
  const arrived = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const upstream = await httpUpstream((_, response) => {
    releases.push(() => response.end("late"));
    reached();
  });
  const started = await startProxy(
    bootstrap(
      [listener([virtualHost([route("/", toCluster("app"))])], { timeouts: convertManagerTimeouts(limits) })],
      [cluster("app", upstream.port)],
    ),
  );
  const release = () => {
    for (const r of releases) r();
  };
  return { ...started, upstream, arrived, release };
}

test("stop lets requests in flight finish, closes idle connections, takes no new ones", async () => {
  const { proxy, port, upstream, arrived, release } = await held();
  const busy = await RawClient.connect(port);
  const idle = await RawClient.connect(port);
  busy.write(GET);
  await arrived;
  const stopped = proxy.stop(10_000);
  await idle.untilClosed();
  expect(await refused(port)).toBe(true);
  release();
  const response = await busy.untilClosed();
  expect(response).toContain("connection: close\r\n");
  expect(response).toContain("late");
  await stopped;
  expect(await proxy.ended).toEqual({ code: 0, reason: "stopped" });
  await upstream.close();
});

test("stop cuts what outlasts the drain time", async () => {
  const { proxy, port, upstream, arrived, chains } = await held();
  const busy = await RawClient.connect(port);
  busy.write(GET);
  await arrived;
  await proxy.stop(50);
  expect(await busy.untilClosed()).toBe("");
  await chains.finished(1);
  expect(chains.finishes).toEqual([1]);
  await upstream.close();
});

test("a stream may not be silent for ever", async () => {
  const { proxy, port, upstream, chains } = await held({ stream_idle_timeout: "0.05s" });
  const waiting = await RawClient.connect(port);
  waiting.write(GET);
  expect(await waiting.response()).toMatch(/504 Gateway Timeout.*\r\n\r\nstream timeout$/s);
  const slow = await RawClient.connect(port);
  slow.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  expect(await slow.untilClosed()).toMatch(/408 Request Timeout.*\r\n\r\nstream timeout$/s);
  await chains.finished(2);
  expect(chains.details).toEqual(["stream_idle_timeout", "stream_idle_timeout"]);
  expect(proxy.store.counter("http.ingress.downstream_rq_idle_timeout").value).toBe(2);
  await proxy.kill();
  await upstream.close();
});

test("kill cuts at once", async () => {
  const { proxy, port, upstream, arrived } = await held();
  const busy = await RawClient.connect(port);
  busy.write(GET);
  await arrived;
  await proxy.kill();
  expect(await busy.untilClosed()).toBe("");
  expect((await proxy.ended).reason).toBe("killed");
  await upstream.close();
});

test("POST /quitquitquit ends the proxy", async () => {
  const { proxy, adminPort, upstream } = await held();
  const answer = await exchange(
    adminPort,
    "POST /quitquitquit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
  );
  expect(answer).toContain("OK\n");
  expect((await proxy.ended).code).toBe(0);
  await upstream.close();
});

test("a port in use is one clear line, and nothing stays behind", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  const config = bootstrap([listener([])], []);
  config.listeners[0]!.address.port = port;
  await expect(startProxy(config)).rejects.toThrow(StartError);
  await expect(startProxy(config)).rejects.toThrow(
    `cannot bind listener 'main' to 127.0.0.1:${port}: Address already in use`,
  );
  await new Promise((resolve) => taken.close(resolve));
});
