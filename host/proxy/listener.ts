import { type AddressInfo, createServer, type Server, type ServerOpts, type Socket } from "node:net";
import type { ListenerConfig } from "../config/model";
import type { ListenerAddress } from "../engine";
import { StartError } from "../errors";
import type { OnBug } from "./contain";
import type { StatCounter, StatGauge, StatHistogram, StatsStore } from "./stats/store";
import type { ServerTls } from "./tls/server-tls";

/** What serves the connections of a listener: the HTTP connection manager or the TCP proxy. */
export interface ConnectionService {
  /** How sockets are to be made, besides half-open and without delay. */
  readonly socketOptions?: ServerOpts;
  /** Client connections that are open. */
  readonly connections: { readonly size: number };
  accept(socket: Socket): void;
  /** Brings the byte counters of open connections up to date. */
  countBytes(): void;
  /** Stops keeping connections; resolves when the last one is gone. */
  drain(): Promise<void>;
  /** Cuts every connection. */
  kill(): void;
}

/** `listener.<address>.`, or what the file says for the address: the prefix of a listener's stats. */
export function listenerPrefix({ address, statPrefix }: ListenerConfig): string {
  return `listener.${statPrefix || statAddress(address.address, address.port)}.`;
}

/** What a listener is built from, besides its service. */
export interface ListenerDeps {
  store: StatsStore;
  tls?: ServerTls | undefined;
  onBug: OnBug;
}

/** One listening address and the service behind it. */
export class Listener {
  private readonly server: Server;
  private readonly total: readonly StatCounter[];
  private readonly active: readonly StatGauge[];
  private readonly destroyed: StatCounter;
  private readonly length: StatHistogram;
  address: ListenerAddress;

  constructor(
    readonly config: ListenerConfig,
    readonly service: ConnectionService,
    { store, tls, onBug }: ListenerDeps,
  ) {
    const { address, port } = config.address;
    const prefix = listenerPrefix(config);
    this.address = { name: config.name, host: address, port };
    this.total = [`${prefix}downstream_cx_total`, `${prefix}worker_0.downstream_cx_total`].map((n) =>
      store.counter(n),
    );
    this.active = [`${prefix}downstream_cx_active`, `${prefix}worker_0.downstream_cx_active`].map((n) =>
      store.gauge(n),
    );
    this.destroyed = store.counter(`${prefix}downstream_cx_destroy`);
    this.length = store.histogram(`${prefix}downstream_cx_length_ms`);
    declareIdle(store, prefix);
    this.server = createServer({ allowHalfOpen: true, noDelay: true, ...service.socketOptions });
    this.server.on("connection", (socket) => {
      const opened = performance.now();
      for (const counter of this.total) counter.inc();
      for (const gauge of this.active) gauge.add(1);
      socket.once("close", () => {
        for (const gauge of this.active) gauge.add(-1);
        this.destroyed.inc();
        this.length.record(Math.round(performance.now() - opened));
      });
      try {
        this.service.accept(tls ? tls.accept(socket, service.socketOptions?.highWaterMark) : socket);
      } catch (error) {
        onBug(error);
        socket.destroy();
      }
    });
  }

  /** Binds; rejects with StartError. */
  async listen(): Promise<void> {
    const { address, port } = this.config.address;
    await listen(this.server, address, port, `listener '${this.config.name}'`);
    const bound = this.server.address() as AddressInfo;
    this.address = { name: this.config.name, host: bound.address, port: bound.port };
  }

  /** No new connections; resolves when those there are have ended. */
  async drain(): Promise<void> {
    this.server.close();
    await this.service.drain();
  }

  kill(): void {
    this.server.close();
    this.service.kill();
  }
}

/** `127.0.0.1_8080`, as the address stands in stat names. */
function statAddress(address: string, port: number): string {
  const host = address.includes(":") ? `[${address.replaceAll(":", "_")}]` : address;
  return `${host}_${port}`;
}

function declareIdle(store: StatsStore, prefix: string): void {
  for (const name of ["downstream_cx_overflow", "downstream_cx_overload_reject", "no_filter_chain_match"]) {
    store.counter(prefix + name);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Address already in use",
  EACCES: "Permission denied",
  EADDRNOTAVAIL: "Cannot assign requested address",
};

/** Binds a server or says in one line why not. */
export async function listen(server: Server, host: string, port: number, what: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const reason = REASONS[error.code ?? ""] ?? error.message;
      reject(new StartError(`cannot bind ${what} to ${host}:${port}: ${reason}`, { cause: error }));
    };
    server.once("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      // What a single accept fails with (too many open files) must not end the proxy.
      server.on("error", () => {});
      resolve();
    });
  });
}
