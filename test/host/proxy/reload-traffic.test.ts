import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CertificateAuthority } from "../../../host/certs/authority";
import { ConfigError } from "../../../host/errors";
import { nodeEngine } from "../../../host/proxy/index";
import {
  bootstrap,
  cluster,
  httpListener,
  type Json,
  tcpListener,
  wasmFilter,
} from "../../support/bootstrap";
import { guest } from "../../support/guests";
import { H2Client } from "../../support/h2-client";
import { RawClient } from "../../support/raw-client";
import { echo, TcpPeer, TcpUpstream } from "../../support/tcp-peer";
import { tlsConnect } from "../../support/tls";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

const RELOADS = 200;
/** A minute in CI; `RELOAD_SECONDS` elsewhere. */
const SECONDS = Number(process.env.RELOAD_SECONDS ?? (process.env.CI === "true" ? 60 : 10));

let puppet: string;
let hosts: Server[];
let tcpHost: TcpUpstream;

/** Sends bodies back; those of /slow take their time. */
async function startHost(): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const answer = () => response.end(Buffer.concat(chunks));
      if (request.url === "/slow") setTimeout(answer, 400);
      else answer();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
const portOf = (server: Server) => (server.address() as AddressInfo).port;

beforeAll(async () => {
  puppet = await guest("puppet");
  hosts = [await startHost(), await startHost()];
  tcpHost = await TcpUpstream.start(echo);
}, 60_000);

afterAll(async () => {
  for (const host of hosts) {
    host.closeAllConnections();
    host.close();
  }
  await tcpHost.close();
});

/** What a version of the file says. */
interface Version {
  routes: number;
  plugin: number;
  host: number;
  listener: number;
}

function file({ routes, plugin, host, listener }: Version): Json {
  const filters = [
    wasmFilter({ name: "f", wasm: puppet, configuration: `on response_headers\n add 2 x-plugin ${plugin}` }),
  ];
  const all = [
    { match: { path: "/version" }, direct_response: { status: 200, body: { inline_string: `${routes}` } } },
    { match: { prefix: "/" }, route: { cluster: "app" } },
  ];
  const manager = { server_name: `s${listener}` };
  const tls = {
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context: {
          tls_certificates: [
            { certificate_chain: { filename: "@dir@/cert.pem" }, private_key: { filename: "@dir@/key.pem" } },
          ],
        },
      },
    },
  };
  return bootstrap({
    listeners: [
      httpListener({ name: "http", routes: all, filters, manager }),
      httpListener({ name: "https", routes: all, filters, manager, filterChain: tls }),
      tcpListener({
        name: "tcp",
        cluster: "tcp",
        listener: { metadata: { filter_metadata: { v: { listener } } } },
      }),
    ],
    clusters: [cluster("app", portOf(hosts[host]!)), cluster("tcp", tcpHost.port)],
  });
}

/** Clients that go on until they are stopped. What they do not get back as it must be is thrown. */
class Traffic {
  stopped = false;
  readonly done: Record<string, number> = {};
  private readonly running: Promise<void>[] = [];

  constructor(private readonly port: (name: string) => number) {}

  run(kind: string, count: number, round: (token: string) => Promise<void>): void {
    for (let i = 0; i < count; i++) {
      const running = this.repeat(kind, i, round);
      // Whoever stops the traffic hears of it.
      running.catch(() => {
        this.stopped = true;
      });
      this.running.push(running);
    }
  }

  private async repeat(kind: string, client: number, round: (token: string) => Promise<void>) {
    for (let n = 0; !this.stopped; n++) {
      await round(`${kind}-${client}-${n}`);
      this.done[kind] = (this.done[kind] ?? 0) + 1;
      // Others want a turn, too: the machine may have one core.
      await sleep(5);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  /** A client of HTTP/1.1 that keeps its connection as long as it may. */
  http1(connect: () => Promise<RawClient>, path: string): (token: string) => Promise<void> {
    let client: RawClient | undefined;
    return async (token) => {
      if (!client) {
        client = await connect();
      }
      const response = await client.exchange({ method: "POST", path, body: token });
      expect([response.status, response.text]).toEqual([200, token]);
      if (response.header("connection") !== "close" && !this.stopped) return;
      client.close();
      client = undefined;
    };
  }

  /** A client of HTTP/2; streams that a GOAWAY does not name were not served, and are sent again as RFC 9113 has it. */
  http2(): (token: string) => Promise<void> {
    let client: H2Client | undefined;
    return async (token) => {
      for (;;) {
        if (!client || client.session.closed || client.session.destroyed)
          client = await H2Client.connect(this.port("http"));
        const stream = client.start({ method: "POST", path: "/echo", body: token });
        const id = () => stream.stream.id ?? Number.POSITIVE_INFINITY;
        const response = await stream.response().catch((error: unknown) => {
          if (client!.goaways.some(({ last }) => id() > last)) return undefined;
          throw error;
        });
        if (response?.status === 200 || !client.goaways.some(({ last }) => id() > last)) {
          expect([response?.status, response?.text]).toEqual([200, token]);
          break;
        }
      }
      if (this.stopped) client.close();
    };
  }

  async tcp(token: string): Promise<void> {
    const peer = await TcpPeer.connect(this.port("tcp"));
    for (let i = 1; i <= 5; i++) {
      peer.write(token);
      await peer.receives(token.repeat(i));
      await sleep(50);
    }
    peer.close();
  }
}

test(`${RELOADS} reloads in ${SECONDS} s of traffic: nothing is lost, nothing is left`, {
  timeout: SECONDS * 1000 + 120_000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-reload-"));
  const configPath = join(dir, "envoy.json");
  const write = (version: Version) =>
    writeFileSync(configPath, JSON.stringify(file(version)).replaceAll("@dir@", dir));
  const ca = await CertificateAuthority.create();
  const rotate = async () => {
    const { certificate, key } = await ca.issue({ dns: ["localhost"] });
    writeFileSync(join(dir, "key.pem"), key);
    writeFileSync(join(dir, "cert.pem"), certificate);
  };
  await rotate();
  const version: Version = { routes: 0, plugin: 0, host: 0, listener: 0 };
  write(version);
  const proxy = await nodeEngine.start({ configPath, writeLog: () => {} });
  const port = (name: string) => proxy.listeners.find((l) => l.name === name)!.port;
  const ports = proxy.listeners.map((l) => l.port);
  const stat = async (name: string) => {
    const { host, port } = proxy.admin!;
    const response = await fetch(`http://${host}:${port}/stats?filter=^${name}$`);
    return Number((await response.text()).split(": ")[1]);
  };
  const certificates = new Set<string>();
  const overTls = async () => {
    const socket = await tlsConnect(port("https"), { ALPNProtocols: ["http/1.1"] });
    certificates.add(socket.getPeerCertificate().fingerprint256);
    return RawClient.over(socket);
  };
  const traffic = new Traffic(port);
  try {
    for (let i = 0; i < 3; i++)
      traffic.run(
        "http1",
        1,
        traffic.http1(() => RawClient.connect(port("http")), "/echo"),
      );
    traffic.run(
      "slow",
      1,
      traffic.http1(() => RawClient.connect(port("http")), "/slow"),
    );
    for (let i = 0; i < 2; i++) traffic.run("tls", 1, traffic.http1(overTls, "/echo"));
    for (let i = 0; i < 2; i++) traffic.run("http2", 1, traffic.http2());
    traffic.run("tcp", 2, (token) => traffic.tcp(token));

    const steps: ((i: number) => Promise<unknown>)[] = [
      async (i) => {
        version.routes = i;
        write(version);
        expect(await proxy.reload!()).toEqual(["routes of http", "routes of https"]);
      },
      async (i) => {
        version.plugin = i;
        write(version);
        expect(await proxy.reload!()).toEqual(["f", "f"]);
      },
      async () => {
        version.host = 1 - version.host;
        write(version);
        expect(await proxy.reload!()).toEqual(["cluster app"]);
      },
      async (i) => {
        version.listener = i;
        write(version);
        expect(await proxy.reload!()).toEqual(["listener http", "listener https", "listener tcp"]);
      },
      async () => {
        writeFileSync(configPath, '{ "static_resources": { "listeners": [ {');
        await expect(proxy.reload!()).rejects.toThrow(ConfigError);
        await rotate();
      },
    ];
    let early = 0;
    const began = performance.now();
    for (let i = 0; i < RELOADS && !traffic.stopped; i++) {
      await steps[i % steps.length]!(i + 1);
      if (i === RELOADS / 4) {
        gc();
        early = process.memoryUsage().heapUsed;
      }
      const next = began + ((i + 1) * SECONDS * 1000) / RELOADS;
      await sleep(Math.max(1, next - performance.now()));
    }
    await traffic.stop();
    expect(proxy.listeners.map((l) => l.port)).toEqual(ports);
    const answer = await fetch(`http://127.0.0.1:${port("http")}/version`, {
      headers: { connection: "close" },
    });
    expect([await answer.text(), answer.headers.get("x-plugin"), answer.headers.get("server")]).toEqual([
      `${version.routes}`,
      `${version.plugin}`,
      `s${version.listener}`,
    ]);
    await expect.poll(() => stat("listener_manager.total_listeners_draining"), { timeout: 10_000 }).toBe(0);
    await expect.poll(() => stat("http.http.downstream_rq_active")).toBe(0);
    await expect.poll(() => stat("cluster.app.upstream_rq_active")).toBe(0);
    // Rotated 40 times; those of new connections are new.
    expect(certificates.size).toBeGreaterThan(3);
    gc();
    const grown = process.memoryUsage().heapUsed - early;
    console.log(
      `${RELOADS} reloads in ${Math.round((performance.now() - began) / 1000)} s, exchanges ${JSON.stringify(traffic.done)}, ` +
        `${certificates.size} certificates seen, heap ${(grown / 1e6).toFixed(1)} MB more than after ${RELOADS / 4}`,
    );
    expect(grown).toBeLessThan(16e6);
  } finally {
    await traffic.stop().catch(() => {});
    await proxy.kill();
    rmSync(dir, { recursive: true, force: true });
  }
});
