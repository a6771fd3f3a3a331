import type { ServerOpts, Socket } from "node:net";
import type { HttpConnectionManagerConfig, ListenerConfig } from "../config/model";
import type { ListenerAddress } from "../engine";
import { BoundPort } from "./bound-port";
import type { OnBug } from "./contain";
import { FilterChainTable } from "./filter-chain-match";
import { Inspection } from "./inspection";
import { plainAddress } from "./listen";
import type { StatCounter, StatGauge, StatHistogram, StatsStore } from "./stats/store";
import type { ClientHello } from "./tls/client-hello";
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
  /** As {@link drain}, but a connection that waits for its next request is served that one first. */
  retire(): Promise<void>;
  /** Cuts every connection. */
  kill(): void;
  /** Routes of another version of the file, for streams to come. */
  reroute?(config: HttpConnectionManagerConfig): void;
}

/** `listener.<address>.`, or what the file says for the address: the prefix of a listener's stats. */
export function listenerPrefix({ address, statPrefix }: ListenerConfig): string {
  return `listener.${statPrefix || statAddress(address.address, address.port)}.`;
}

/** A client's socket with what was seen of it before a filter chain took it. */
export interface ClientSocket extends Socket {
  /** SNI; "" when there is none or nobody looked. */
  requestedServerName?: string;
}

/** A filter chain of a listener at work. */
export interface ServedChain {
  config: ListenerConfig;
  service: ConnectionService;
  tls: ServerTls | undefined;
}

export interface ListenerDeps {
  store: StatsStore;
  onBug: OnBug;
}

/** One listening address and the filter chains behind it. */
export class Listener {
  private port: BoundPort | undefined;
  private readonly total: readonly StatCounter[];
  private readonly active: readonly StatGauge[];
  private readonly destroyed: StatCounter;
  private readonly length: StatHistogram;
  private readonly unmatched: StatCounter;
  private readonly table: FilterChainTable<ServedChain>;
  private readonly inspection: Inspection | undefined;
  private readonly socketOptions: ServerOpts;
  readonly config: ListenerConfig;
  address: ListenerAddress;

  /** `chains`: those of one listener of the file, at least one. */
  constructor(
    private readonly chains: readonly ServedChain[],
    private readonly deps: ListenerDeps,
  ) {
    const { store } = deps;
    const { config } = chains[0]!;
    this.config = config;
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
    this.unmatched = store.counter(`${prefix}no_filter_chain_match`);
    declareIdle(store, prefix);
    this.table = new FilterChainTable(
      chains.flatMap((chain) => (chain.config.match ? [{ match: chain.config.match, chain }] : [])),
      chains.find((chain) => !chain.config.match),
    );
    // What a client offers by ALPN must be known before its handshake begins: node:tls cannot let it pass unanswered.
    const offers = chains.some(({ tls }) => tls?.answersAlpn);
    if (config.inspection.tls || offers) this.inspection = new Inspection(config.inspection, store, prefix);
    // Paused for the services that want that; the others are set going.
    this.socketOptions = Object.assign({}, ...chains.map(({ service }) => service.socketOptions));
  }

  private readonly accept = (socket: Socket): void => this.contained(socket, () => this.onConnection(socket));

  private contained(socket: Socket, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.deps.onBug(error);
      socket.destroy();
    }
  }

  private onConnection(socket: ClientSocket): void {
    const { inspection } = this;
    if (!inspection) return this.serve(socket, undefined);
    inspection.start(socket, (hello) => this.contained(socket, () => this.serve(socket, hello)));
  }

  private serve(socket: ClientSocket, hello: ClientHello | undefined): void {
    const inspected = this.config.inspection.tls ? hello : undefined;
    const { localPort = 0, remotePort = 0 } = socket;
    const localAddress = plainAddress(socket.localAddress);
    const remoteAddress = plainAddress(socket.remoteAddress);
    const chain = this.table.find({ localAddress, localPort, remoteAddress, remotePort, hello: inspected });
    if (!chain) {
      this.unmatched.inc();
      socket.destroy();
      return;
    }
    socket.requestedServerName = inspected?.serverName ?? "";
    this.count(socket);
    const { service, tls } = chain;
    const { highWaterMark, pauseOnConnect } = service.socketOptions ?? {};
    service.accept(tls ? tls.accept(socket, { highWaterMark, hello }) : socket);
    if (!tls && !pauseOnConnect && this.socketOptions.pauseOnConnect) socket.resume();
  }

  private count(socket: Socket): void {
    const opened = performance.now();
    for (const counter of this.total) counter.inc();
    for (const gauge of this.active) gauge.add(1);
    socket.once("close", () => {
      for (const gauge of this.active) gauge.add(-1);
      this.destroyed.inc();
      this.length.record(Math.round(performance.now() - opened));
    });
  }

  /** Client connections that are open. */
  get connections(): number {
    return this.chains.reduce((sum, { service }) => sum + service.connections.size, 0);
  }

  /** Brings the byte counters of open connections up to date. */
  countBytes(): void {
    for (const { service } of this.chains) service.countBytes();
  }

  /** Binds; rejects with StartError. */
  async listen(): Promise<void> {
    const bound = new BoundPort(this.socketOptions, this.accept);
    await bound.bind(this.config.address, `listener '${this.config.name}'`);
    this.serveOn(bound);
  }

  private serveOn(port: BoundPort): void {
    this.port = port;
    this.address = { name: this.config.name, ...port.address };
  }

  /** Can this one go on at the port of another, without a moment at which nobody listens? */
  canTakeOver({ port }: Listener): boolean {
    return port?.makes(this.socketOptions) ?? false;
  }

  /** Serves the connections to come in the place of another, see {@link canTakeOver}. */
  takeOver(other: Listener): void {
    const { port } = other;
    if (!port) return;
    other.port = undefined;
    port.handOver(this.accept);
    this.serveOn(port);
  }

  /** No new connections; resolves when those there are have ended. */
  async drain(): Promise<void> {
    this.port?.close();
    this.inspection?.end();
    await Promise.all(this.chains.map(({ service }) => service.drain()));
  }

  /** Another listener is in its place. No connection is lost: each ends behind its next answer. Resolves when all have. */
  async retire(): Promise<void> {
    this.port?.close();
    const retire = () => Promise.all(this.chains.map(({ service }) => service.retire()));
    // Those that are served are told at once, whoever has not said anything yet.
    const served = retire();
    if (!this.inspection) await served;
    else await this.inspection.over().then(retire);
  }

  kill(): void {
    this.port?.close();
    this.inspection?.end();
    for (const { service } of this.chains) service.kill();
  }
}

/** `127.0.0.1_8080`, as the address stands in stat names. */
function statAddress(address: string, port: number): string {
  const host = address.includes(":") ? `[${address.replaceAll(":", "_")}]` : address;
  return `${host}_${port}`;
}

function declareIdle(store: StatsStore, prefix: string): void {
  for (const name of ["downstream_cx_overflow", "downstream_cx_overload_reject"]) {
    store.counter(prefix + name);
  }
}
