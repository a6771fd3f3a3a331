import { afterEach, describe, expect, test } from "vitest";
import type { ClusterConfig } from "../../../host/config/model";
import { ClusterManager } from "../../../host/proxy/clusters/cluster-manager";
import { StatsStore } from "../../../host/proxy/stats/store";
import { bootstrap, cluster, listener, route, toCluster, virtualHost } from "./support/bootstrap";
import { exchange } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";
import { httpUpstream } from "./support/upstream";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function named(address: string, more: Partial<ClusterConfig>): ClusterConfig {
  const base = cluster("app", 80);
  return { ...base, endpoints: [{ ...base.endpoints[0]!, address }], ...more };
}

async function hostsOf(config: ClusterConfig): Promise<{ hosts: string[]; store: StatsStore }> {
  const store = new StatsStore();
  const clusters = new ClusterManager([config], store);
  cleanups.push(() => clusters.close());
  await clusters.start();
  return { hosts: clusters.get("app")!.hosts.map((h) => `${h.address} ${h.hostname}`), store };
}

describe("names", () => {
  test.each([
    ["STRICT_DNS", "AUTO", ["::1 localhost"]],
    ["STRICT_DNS", "V4_ONLY", ["127.0.0.1 localhost"]],
    ["STRICT_DNS", "V4_PREFERRED", ["127.0.0.1 localhost"]],
    ["STRICT_DNS", "ALL", ["127.0.0.1 localhost", "::1 localhost"]],
    ["LOGICAL_DNS", "AUTO", ["::1 localhost"]],
    ["LOGICAL_DNS", "ALL", ["127.0.0.1 localhost"]],
  ] as const)("%s %s", async (type, dnsLookupFamily, expected) => {
    expect((await hostsOf(named("localhost", { type, dnsLookupFamily }))).hosts).toEqual(expected);
  });

  test("a literal address is its own answer", async () => {
    const config = named("127.0.0.1", { type: "STRICT_DNS", dnsLookupFamily: "V4_ONLY" });
    expect((await hostsOf(config)).hosts).toEqual(["127.0.0.1 127.0.0.1"]);
  });

  test("a name nobody knows leaves the cluster empty, not the proxy dead", async () => {
    const { hosts, store } = await hostsOf(named("nope.invalid", { type: "STRICT_DNS" }));
    expect(hosts).toEqual([]);
    expect(store.counter("cluster.app.update_attempt").value).toBe(1);
  });
});

test("hosts are taken in turn", async () => {
  const upstreams = await Promise.all(
    ["a", "b", "c"].map((name) => httpUpstream((_, response) => void response.end(name))),
  );
  for (const upstream of upstreams) cleanups.push(() => upstream.close());
  const base = cluster("app", 1);
  const endpoints = upstreams.map(({ port }) => ({ ...base.endpoints[0]!, port }));
  const started = await startProxy(
    bootstrap([listener([virtualHost([route("/", toCluster("app"))])])], [{ ...base, endpoints }]),
  );
  cleanups.push(() => started.proxy.kill());
  const seen: string[] = [];
  for (let i = 0; i < 6; i++) {
    const response = await exchange(started.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    seen.push(response.at(-1)!);
  }
  expect(seen.join("")).toBe("abcabc");
});

test("hosts that stay keep their connections, those that go lose them", async () => {
  const upstream = await httpUpstream((_, response) => void response.end("x"));
  const closed = new Promise<void>((resolve) => {
    upstream.server.once("connection", (socket) => socket.once("close", () => resolve()));
  });
  cleanups.push(() => upstream.close());
  const started = await startProxy(
    bootstrap([listener([virtualHost([route("/", toCluster("app"))])])], [cluster("app", upstream.port)]),
  );
  cleanups.push(() => started.proxy.kill());
  const app = started.proxy.clusters.get("app")!;
  const [endpoint] = app.config.endpoints;
  const here = { address: "127.0.0.1", port: upstream.port, endpoint: endpoint! };
  const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  await exchange(started.port, GET);
  expect(app.update([here])).toBe(0);
  await exchange(started.port, GET);
  expect(started.proxy.store.counter("cluster.app.upstream_cx_total").value).toBe(1);
  expect(app.update([])).toBe(1);
  await closed;
  expect(await exchange(started.port, GET)).toContain("no healthy upstream");
});
