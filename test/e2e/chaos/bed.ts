import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeEngine } from "../../../host/proxy/index";
import type { NodeProxy } from "../../../host/proxy/proxy";
import { LogLevel } from "../../../sdk/abi/log-level";
import * as build from "../../support/bootstrap";
import { guest } from "../../support/guests";
import { ChaosRelay, type Random } from "./relay";
import { type EchoServer, grpcServer, http1Server, http2Server, tcpServer } from "./servers";

/** Nobody listens there: connections are refused. */
const DEAD_PORT = 1;

/** Counts its streams, and sees every byte of them. */
const counting = (gauge: string) => `on GAUGE
live = metric 1 ${gauge}
increment $live 1
on delete
live = metric 1 ${gauge}
increment $live -1`;

const UNDER_WAY = /^(?!listener_manager\.).*_active$|^wasmcustom\.live_/;

const SERVERS = { http1: http1Server, http2: http2Server, grpc: grpcServer, tcp: tcpServer };
export type Protocol = keyof typeof SERVERS;

/** The Node proxy between a client that may be rude and servers behind wires that break. */
export class ChaosBed {
  private constructor(
    readonly proxy: NodeProxy,
    readonly log: readonly string[],
    readonly relays: Readonly<Record<Protocol, ChaosRelay>>,
    private readonly servers: readonly EchoServer[],
    private readonly dir: string,
  ) {}

  static async start(random: Random): Promise<ChaosBed> {
    const servers: EchoServer[] = [];
    const relays = {} as Record<Protocol, ChaosRelay>;
    for (const [name, start] of Object.entries(SERVERS)) {
      const server = await start();
      servers.push(server);
      relays[name as Protocol] = await ChaosRelay.start(server.port, random);
    }
    const dir = await mkdtemp(join(tmpdir(), "proxy-wasm-chaos-"));
    const configPath = join(dir, "envoy.json");
    await writeFile(configPath, JSON.stringify(await configuration(relays)));
    const log: string[] = [];
    const proxy = await nodeEngine.start({
      configPath,
      logLevel: LogLevel.Error,
      writeLog: (line) => log.push(line),
    });
    return new ChaosBed(proxy as NodeProxy, log, relays, servers, dir);
  }

  port(name: "http" | "tcp"): number {
    return this.proxy.listeners.find((listener) => listener.name === name)!.port;
  }

  /** Gauges that count what is under way, and are not zero. */
  busy(): string[] {
    return [...this.proxy.store.gauges]
      .filter(([name, { value }]) => UNDER_WAY.test(name) && value !== 0n)
      .map(([name, { value }]) => `${name}: ${value}`);
  }

  async stop(): Promise<void> {
    await this.proxy.kill();
    for (const relay of Object.values(this.relays)) await relay.close();
    for (const server of this.servers) await server.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function configuration(relays: Readonly<Record<Protocol, ChaosRelay>>): Promise<build.Json> {
  const wasm = await guest("puppet");
  const endpoint = (port: number, weight: number) => ({
    endpoint: { address: build.socketAddress(port) },
    load_balancing_weight: weight,
  });
  /** One connection in ten finds nobody. */
  const cluster = (name: string, port: number, more: build.Json = {}) => ({
    name,
    type: "STATIC",
    connect_timeout: "2s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [endpoint(port, 9), endpoint(DEAD_PORT, 1)] }],
    },
    circuit_breakers: {
      thresholds: [{ max_connections: 500, max_pending_requests: 500, max_requests: 500, max_retries: 100 }],
    },
    ...more,
  });
  const retry_policy = {
    retry_on: "reset,connect-failure,refused-stream",
    num_retries: 2,
    retry_back_off: { base_interval: "0.005s" },
  };
  const filter = (name: string, hook: string) => ({
    name,
    wasm,
    rootId: name,
    vmId: name,
    configuration: counting(`live_${name}`).replace("GAUGE", hook),
  });
  return build.bootstrap({
    listeners: [
      build.httpListener({
        name: "http",
        filters: [build.wasmFilter(filter("streams", "request_headers"))],
        manager: {
          upgrade_configs: [{ upgrade_type: "websocket" }, { upgrade_type: "CONNECT" }],
          http2_protocol_options: { allow_connect: true },
        },
        routes: [
          {
            match: { connect_matcher: {} },
            route: {
              cluster: "tcp",
              upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: {} }],
            },
          },
          { match: { prefix: "/chaos.Echo/" }, route: { cluster: "grpc", timeout: "0s" } },
          { match: { path: "/retry-h2" }, route: { cluster: "http2", retry_policy } },
          { match: { path: "/plain-h2" }, route: { cluster: "http2" } },
          { match: { prefix: "/retry" }, route: { cluster: "http1", retry_policy } },
          { match: { prefix: "/" }, route: { cluster: "http1" } },
        ],
      }),
      build.tcpListener({
        name: "tcp",
        filters: [build.networkWasmFilter(filter("connections", "new_connection"))],
        proxy: { max_connect_attempts: 2 },
      }),
    ],
    clusters: [
      cluster("http1", relays.http1.port),
      cluster("http2", relays.http2.port, build.CLUSTER_HTTP2),
      cluster("grpc", relays.grpc.port, build.CLUSTER_HTTP2),
      cluster("tcp", relays.tcp.port),
    ],
  });
}
