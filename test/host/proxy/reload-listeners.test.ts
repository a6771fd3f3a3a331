import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ConfigError, StartError } from "../../../host/errors";
import { Cluster } from "../../../host/proxy/clusters/cluster";
import { nodeEngine } from "../../../host/proxy/index";
import { Tracing } from "../../../host/proxy/tracing/tracing";
import { bootstrap, cluster, httpListener, type Json, tcpListener } from "../../support/bootstrap";
import { H2Client } from "../../support/h2-client";
import { exchange, RawClient } from "../../support/raw-client";
import { RawUpstream, type UpstreamHandler } from "../../support/raw-upstream";
import { TcpPeer, TcpUpstream } from "../../support/tcp-peer";

const toApp = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
const main = (serverName: string, more: Json = {}) =>
  httpListener({ name: "main", routes: toApp, manager: { server_name: serverName, ...more } });

/** A proxy whose file is written anew by each reload. */
async function start(listeners: readonly Json[], clusters: readonly Json[]) {
  const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-reload-"));
  const configPath = join(dir, "envoy.json");
  const write = (l: readonly Json[], c: readonly Json[]) =>
    writeFileSync(configPath, JSON.stringify(bootstrap({ listeners: l, clusters: c })));
  write(listeners, clusters);
  const proxy = await nodeEngine.start({ configPath, writeLog: () => {} });
  onTestFinished(async () => {
    await proxy.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    proxy,
    port: (name = "main") => proxy.listeners.find((l) => l.name === name)!.port,
    reload: async (l: readonly Json[], c: readonly Json[] = clusters) => {
      write(l, c);
      return proxy.reload!();
    },
    stat: async (name: string) => {
      const { host, port } = proxy.admin!;
      const url = `http://${host}:${port}/stats?filter=^${name}$`;
      const response = await fetch(url, { headers: { connection: "close" } });
      return Number((await response.text()).split(": ")[1]);
    },
  };
}

async function upstream(handler?: UpstreamHandler): Promise<RawUpstream> {
  const app = await RawUpstream.start(handler);
  onTestFinished(() => app.close());
  return app;
}

/** An app that answers when it is told to. */
async function heldApp() {
  const held: (() => void)[] = [];
  const app = await upstream((_, reply) => void held.push(() => reply.send({})));
  const answer = async () => {
    await expect.poll(() => held.length).toBeGreaterThan(0);
    held.shift()!();
  };
  return { app, answer };
}

describe("a listener that is replaced", () => {
  test("keeps its port; what is under way ends as it began, and its connection with it", async () => {
    const { app, answer } = await heldApp();
    const { proxy, port, reload, stat } = await start([main("old")], [cluster("app", app.port)]);
    const before = port();
    const client = await RawClient.connect(before);
    client.send({});
    await expect.poll(() => app.requests.length).toBe(1);
    expect(await reload([main("new")])).toEqual(["listener main"]);
    expect(port()).toBe(before);
    expect(await stat("listener_manager.listener_modified")).toBe(1);
    expect(await stat("listener_manager.total_listeners_draining")).toBe(1);

    const fresh = exchange(port());
    await expect.poll(() => app.requests.length).toBe(2);
    await answer();
    const old = await client.response();
    expect([old.status, old.header("server"), old.header("connection")]).toEqual([200, "old", "close"]);
    await client.closed;
    await answer();
    const response = await fresh;
    expect([response.status, response.header("server")]).toEqual([200, "new"]);
    await expect.poll(() => stat("listener_manager.total_listeners_draining")).toBe(0);
    expect(await stat("listener_manager.total_listeners_active")).toBe(1);
    expect(proxy.listeners).toHaveLength(1);
  });

  test("an idle connection is served once more, and not lost on the way", async () => {
    const app = await upstream();
    const { port, reload } = await start([main("old")], [cluster("app", app.port)]);
    const client = await RawClient.connect(port());
    expect((await client.exchange({})).header("connection")).toBeUndefined();
    await reload([main("new")]);
    const last = await client.exchange({});
    expect([last.status, last.header("server"), last.header("connection")]).toEqual([200, "old", "close"]);
    expect((await exchange(port())).header("server")).toBe("new");
  });

  test("HTTP/2: the stream after it is served, then GOAWAY", async () => {
    const app = await upstream();
    const { port, reload } = await start([main("old")], [cluster("app", app.port)]);
    const client = await H2Client.connect(port());
    onTestFinished(() => client.close());
    expect((await client.request({})).header("server")).toBe("old");
    await reload([main("new")]);
    expect((await client.request({})).header("server")).toBe("old");
    await client.closed;
  });

  test("a client that has said nothing yet does not keep others on it", async () => {
    const app = await upstream();
    const inspected = (name: string) =>
      httpListener({
        name: "main",
        routes: toApp,
        manager: { server_name: name },
        listener: {
          listener_filters: [
            {
              name: "tls",
              typed_config: {
                "@type":
                  "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
              },
            },
          ],
        },
      });
    const { port, reload } = await start([inspected("old")], [cluster("app", app.port)]);
    const client = await RawClient.connect(port());
    await client.exchange({});
    const silent = await RawClient.connect(port());
    await reload([inspected("new")]);
    expect((await client.exchange({})).header("connection")).toBe("close");
    // It is the old listener's all the same.
    const late = await silent.exchange({});
    expect([late.header("server"), late.header("connection")]).toEqual(["old", "close"]);
  });

  test("its spans do not wait for an interval that never comes", async () => {
    const app = await upstream();
    const collector = await upstream((_, reply) => reply.send({ status: 202 }));
    const traced = (name: string) =>
      main(name, {
        tracing: {
          provider: {
            name: "zipkin",
            typed_config: {
              "@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
              collector_cluster: "collector",
              collector_endpoint: "/spans",
              collector_endpoint_version: "HTTP_JSON",
            },
          },
        },
      });
    const clusters = [cluster("app", app.port), cluster("collector", collector.port)];
    const { port, reload } = await start([traced("old")], clusters);
    await exchange(port());
    const close = vi.spyOn(Tracing.prototype, "close");
    onTestFinished(() => close.mockRestore());
    await reload([traced("new")]);
    await expect.poll(() => collector.requests.length, { timeout: 3000 }).toBe(1);
    expect(close).toHaveBeenCalled();
  });

  test("TCP: open connections stay with the host they have", async () => {
    const hosts = await Promise.all([TcpUpstream.start(), TcpUpstream.start()]);
    onTestFinished(async () => {
      for (const host of hosts) await host.close();
    });
    const [a, b] = hosts.map((host, i) => cluster(`c${i}`, host.port));
    const listener = (name: string) => tcpListener({ name: "main", cluster: name });
    const { port, reload } = await start([listener("c0")], [a!, b!]);
    const client = await TcpPeer.connect(port());
    const first = await hosts[0]!.connection();
    expect(await reload([listener("c1")])).toEqual(["listener main"]);
    client.write("still here");
    await first.receives("still here");
    const other = await TcpPeer.connect(port());
    await hosts[1]!.connection();
    for (const peer of [client, other]) peer.socket.destroy();
  });
});

test("internal_only_headers change with the routes they stand with", async () => {
  const app = await upstream();
  const only = (...names: string[]) =>
    httpListener({
      name: "main",
      routes: [],
      manager: {
        route_config: {
          internal_only_headers: names,
          virtual_hosts: [{ name: "v", domains: ["*"], routes: toApp }],
        },
      },
    });
  const { port, reload } = await start([only()], [cluster("app", app.port)]);
  const client = await RawClient.connect(port());
  const secret = async () => {
    await client.exchange({ headers: [["x-secret", "1"]] });
    return app.requests.at(-1)!.header("x-secret");
  };
  expect(await secret()).toBe("1");
  expect(await reload([only("x-secret")])).toEqual(["routes of main"]);
  expect(await secret()).toBeUndefined();
});

test("a proxy that ends takes nothing over any more", async () => {
  const { app, answer } = await heldApp();
  const { proxy, port, reload } = await start([main("old")], [cluster("app", app.port)]);
  const before = port();
  const last = exchange(before);
  await expect.poll(() => app.requests.length).toBe(1);
  const stopped = proxy.stop();
  expect(await reload([main("new"), httpListener({ name: "second", routes: toApp })])).toEqual([]);
  expect(proxy.listeners.map((l) => l.name)).toEqual(["main"]);
  await answer();
  expect((await last).header("server")).toBe("old");
  await stopped;
});

describe("listeners that come and go", () => {
  test("a new one is bound, an old one is closed", async () => {
    const app = await upstream();
    const second = httpListener({ name: "second", routes: toApp });
    const { port, reload, stat } = await start([main("a")], [cluster("app", app.port)]);
    const old = port();
    expect(await reload([main("a"), second])).toEqual(["listener second"]);
    expect((await exchange(port("second"))).status).toBe(200);
    expect(port()).toBe(old);
    expect(await reload([second])).toEqual(["listener main"]);
    await expect(RawClient.connect(old)).rejects.toThrow("ECONNREFUSED");
    expect((await exchange(port("second"))).status).toBe(200);
    expect(await stat("listener_manager.listener_added")).toBe(2);
    expect(await stat("listener_manager.listener_removed")).toBe(1);
  });

  test("an address that somebody has: refused, and nothing has changed", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    onTestFinished(() => void taken.close());
    const app = await upstream();
    const { port, reload } = await start([main("a")], [cluster("app", app.port)]);
    const bad = httpListener({
      name: "bad",
      routes: toApp,
      port: (taken.address() as { port: number }).port,
    });
    const free = httpListener({ name: "free", routes: toApp });
    await expect(reload([main("b"), free, bad])).rejects.toThrow(StartError);
    expect((await exchange(port())).header("server")).toBe("a");
    expect(await reload([main("b")])).toEqual(["listener main"]);
    expect((await exchange(port())).header("server")).toBe("b");
  });

  test("certificates that are none: refused, and nothing has changed", async () => {
    const app = await upstream();
    const { port, reload } = await start([main("a")], [cluster("app", app.port)]);
    const tls = {
      transport_socket: {
        name: "tls",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
          common_tls_context: {
            tls_certificates: [
              { certificate_chain: { inline_string: "x" }, private_key: { inline_string: "y" } },
            ],
          },
        },
      },
    };
    const bad = httpListener({ name: "bad", routes: toApp, filterChain: tls });
    await expect(reload([main("b"), bad])).rejects.toThrow(ConfigError);
    expect((await exchange(port())).header("server")).toBe("a");
  });
});

describe("clusters", () => {
  test("one that is different is replaced under its requests, others keep their connections", async () => {
    const { app, answer } = await heldApp();
    const [other, moved] = [await upstream(), await upstream()];
    const routes = [{ match: { prefix: "/other" }, route: { cluster: "other" } }, ...toApp];
    const listeners = [httpListener({ name: "main", routes })];
    const { port, reload, stat } = await start(listeners, [
      cluster("app", app.port),
      cluster("other", other.port),
    ]);
    await exchange(port(), { path: "/other" });
    const slow = exchange(port());
    await expect.poll(() => app.requests.length).toBe(1);
    const next = [cluster("app", moved.port), cluster("other", other.port)];
    expect(await reload(listeners, next)).toEqual(["cluster app"]);
    expect((await exchange(port())).status).toBe(200);
    expect(moved.requests).toHaveLength(1);
    await answer();
    expect((await slow).status).toBe(200);
    await exchange(port(), { path: "/other" });
    expect(new Set(other.requests.map(({ connection }) => connection)).size).toBe(1);
    expect(await stat("cluster_manager.cluster_modified")).toBe(1);
    await expect.poll(() => stat("cluster.app.upstream_cx_active")).toBe(1);
    expect(await stat("cluster.app.membership_total")).toBe(1);
  });

  test("a file that is refused leaves none of its clusters behind", async () => {
    const app = await upstream();
    const tls = {
      transport_socket: {
        name: "tls",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
          common_tls_context: { validation_context: { trusted_ca: { inline_string: "none" } } },
        },
      },
    };
    const { reload } = await start([main("a")], [cluster("app", app.port)]);
    const close = vi.spyOn(Cluster.prototype, "close");
    onTestFinished(() => close.mockRestore());
    const more = [cluster("app", app.port), cluster("b", app.port), { ...cluster("c", app.port), ...tls }];
    await expect(reload([main("a")], more)).rejects.toThrow(ConfigError);
    expect(close.mock.contexts.map((each) => (each as Cluster).config.name)).toEqual(["b"]);
  });

  test("one that is gone is 503 for those who still ask", async () => {
    const app = await upstream();
    const { port, reload } = await start([main("a")], [cluster("app", app.port), cluster("b", app.port)]);
    expect(await reload([main("a")], [cluster("app", app.port)])).toEqual(["cluster b"]);
    expect((await exchange(port())).status).toBe(200);
  });
});
