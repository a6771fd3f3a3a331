import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../../host/clock";
import { createLogger } from "../../../host/log";
import { bugReporter } from "../../../host/proxy/bug-reporter";
import type { ListenerFilters } from "../../../host/proxy/listener-filters";
import { NodeProxy } from "../../../host/proxy/proxy";
import { DataStatus, HeadersStatus, type StreamFilter, TrailersStatus } from "../../../host/stream/filter";
import { FilterChain } from "../../../host/stream/filter-chain";
import { type NetworkFilter, NetworkStatus } from "../../../host/stream/network-filter";
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
import { echo, httpUpstream } from "./support/upstream";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function bug(): never {
  throw new TypeError("a defect");
}

/** A filter that breaks in one hook. */
function httpFilter(hook: keyof StreamFilter): StreamFilter {
  return {
    decodeHeaders: () => HeadersStatus.Continue,
    decodeData: () => DataStatus.Continue,
    decodeTrailers: () => TrailersStatus.Continue,
    encodeHeaders: () => HeadersStatus.Continue,
    encodeData: () => DataStatus.Continue,
    encodeTrailers: () => TrailersStatus.Continue,
    onLog() {},
    onDestroy() {},
    [hook]: bug,
  };
}

function networkFilter(hook: keyof NetworkFilter): NetworkFilter {
  return {
    onNewConnection: () => NetworkStatus.Continue,
    onDownstreamData: () => NetworkStatus.Continue,
    onUpstreamData: () => NetworkStatus.Continue,
    onClose() {},
    [hook]: bug,
  };
}

async function start(
  listeners: Parameters<typeof bootstrap>[0],
  port: number,
  filters: ListenerFilters,
  http: StreamFilter[] = [],
) {
  const lines: string[] = [];
  const log = createLogger((line) => lines.push(line));
  const onBug = bugReporter(log);
  const proxy = new NodeProxy(bootstrap(listeners, [cluster("app", port)]), {
    clock: systemClock,
    log,
    concurrency: 1,
    loadFilters: async () => [{ filters }],
    chainFactory: () => (ends) =>
      new FilterChain(
        http.map((filter) => ({ name: "broken", create: () => filter })),
        ends,
        { requestBufferLimit: 1e6, responseBufferLimit: 1e6, onBug },
      ),
    closeFilters() {},
  });
  await proxy.start();
  cleanups.push(() => proxy.kill());
  return {
    port: proxy.listeners[0]!.port,
    bugs: () => lines.filter((l) => l.includes("host bug in a stream")),
  };
}

test.each<[hook: keyof StreamFilter, outcome: number | "reset"]>([
  ["decodeHeaders", 500],
  ["decodeData", 500],
  ["encodeHeaders", 500],
  ["encodeData", "reset"],
  ["onLog", 200],
  ["onDestroy", 200],
])("a defect in %s of an HTTP filter: %s, and the proxy lives", async (hook, outcome) => {
  const upstream = await httpUpstream(echo);
  cleanups.push(() => upstream.close());
  const routes = [route("/", toCluster("app"))];
  const filters = { http: [], loggers: [], network: [] };
  const { port, bugs } = await start([listener([virtualHost(routes)])], upstream.port, filters, [
    httpFilter(hook),
  ]);
  const ask = async () => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "x" });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return "reset";
    }
  };
  expect(await ask()).toBe(outcome);
  expect(await ask()).toBe(outcome);
  await expect.poll(() => bugs().length).toBeGreaterThanOrEqual(2);
  expect(bugs()[0]).toContain("TypeError: a defect");
});

test.each<keyof NetworkFilter>(["onNewConnection", "onDownstreamData", "onUpstreamData", "onClose"])(
  "a defect in %s of a network filter closes the connection, and the proxy lives",
  async (hook) => {
    const upstream = await TcpUpstream.start();
    cleanups.push(() => upstream.close());
    const network = [{ name: "broken", createNetwork: () => networkFilter(hook) }];
    const { port, bugs } = await start([tcpListener()], upstream.port, { http: [], loggers: [], network });
    for (let round = 0; round < 2; round++) {
      const client = await TcpPeer.connect(port);
      if (hook === "onUpstreamData") (await upstream.connection(round)).write("x");
      else if (hook === "onDownstreamData") client.write("x");
      else if (hook === "onClose") client.reset();
      await expect.poll(() => client.isGone || client.isEnded).toBe(true);
      client.reset();
      await expect.poll(() => bugs().length).toBe(round + 1);
    }
  },
);
