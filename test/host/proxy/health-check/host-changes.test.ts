import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { convertHealthCheck } from "../../../../host/config/convert/health-check";
import type { ClusterConfig, HostHealthConfig } from "../../../../host/config/model";
import { Cluster } from "../../../../host/proxy/clusters/cluster";
import { HealthFlag } from "../../../../host/proxy/clusters/host-health";
import { HealthChecker } from "../../../../host/proxy/health-check/health-checker";
import { StatsStore } from "../../../../host/proxy/stats/store";
import { cluster } from "../support/bootstrap";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const throws = (error: unknown) => {
  throw error;
};

/** A port where connections are taken. */
async function listening(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const CHECK = convertHealthCheck(
  {
    timeout: "1s",
    interval: "0.01s",
    no_traffic_interval: "0.01s",
    unhealthy_threshold: 1,
    healthy_threshold: 1,
    tcp_health_check: {},
  },
  undefined,
);

/** A cluster whose hosts the test names, checked by a connection. */
function checked(health: Partial<HostHealthConfig>, more: Partial<ClusterConfig> = {}) {
  const base = cluster("app", 1);
  const config: ClusterConfig = {
    ...base,
    type: "STRICT_DNS",
    healthCheck: CHECK,
    hostHealth: { ...base.hostHealth, ...health },
    ...more,
  };
  const store = new StatsStore();
  const app = new Cluster(config, store);
  const checker = new HealthChecker(CHECK, app, store, throws);
  cleanups.push(
    () => app.close(),
    () => checker.close(),
  );
  const name = (...ports: number[]) =>
    app.update(ports.map((port) => ({ address: "127.0.0.1", port, endpoint: base.endpoints[0]! })));
  const host = (port: number) => app.hosts.find((each) => each.port === port);
  return { app, checker, store, name, host };
}

const DEAD = 1;

describe("hosts that come and go while they are checked", () => {
  test("one that passes its checks outlives its name, and comes back as it was", async () => {
    const port = await listening();
    const { checker, name, host } = checked({});
    name(port);
    await checker.start();
    name();
    expect(host(port)!.has(HealthFlag.PendingDynamicRemoval)).toBe(true);
    expect(host(port)!.health).toBe("healthy");
    const before = host(port);
    name(port);
    expect(host(port)).toBe(before);
    expect(host(port)!.flags).toBe(0);
  });

  test("one that does not goes at the next look-up", async () => {
    const { checker, name, host } = checked({});
    name(DEAD);
    await checker.start();
    expect(host(DEAD)!.has(HealthFlag.FailedActiveHc)).toBe(true);
    name();
    expect(host(DEAD)).toBeUndefined();
  });

  test("ignore_health_on_host_removal: it goes at once", async () => {
    const port = await listening();
    const { checker, name, app } = checked({ ignoreHealthOnRemoval: true });
    name(port);
    await checker.start();
    name();
    expect(app.hosts).toEqual([]);
  });

  test("a new host is out until its first check, and counts among the others unless that is not wanted", async () => {
    for (const ignoreNewHosts of [false, true]) {
      const { checker, name, host, app } = checked({ ignoreNewHosts });
      name(await listening());
      await checker.start();
      const port = await listening();
      name(app.hosts[0]!.port, port);
      expect([host(port)!.health, host(port)!.excluded]).toEqual(["unhealthy", ignoreNewHosts]);
      await vi.waitFor(() => expect([host(port)!.health, host(port)!.excluded]).toEqual(["healthy", false]));
    }
  });

  test("gauges follow", async () => {
    const ports = [await listening(), await listening()];
    const { checker, name, store } = checked({ ignoreHealthOnRemoval: true });
    const healthy = () => Number(store.gauge("cluster.app.health_check.healthy").value);
    expect(healthy()).toBe(0);
    name(...ports, DEAD);
    await checker.start();
    expect(healthy()).toBe(2);
    name(ports[0]!, DEAD);
    expect(healthy()).toBe(1);
    checker.close();
    expect(healthy()).toBe(0);
  });

  test("nothing is checked any more once the cluster is closed", async () => {
    const { checker, name, store } = checked({});
    name(await listening());
    await checker.start();
    checker.close();
    const { value } = store.counter("cluster.app.health_check.attempt");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(store.counter("cluster.app.health_check.attempt").value).toBe(value);
  });
});

test("close_connections_on_host_set_change: all hosts get new connections when one comes", async () => {
  for (const renewOnChange of [false, true]) {
    const { name, host } = checked({ renewOnChange });
    const port = await listening();
    name(port);
    const socket = host(port)!.connector.connect("http1");
    await once(socket, "established");
    name(port, DEAD);
    expect(socket.destroyed).toBe(renewOnChange);
  }
});
