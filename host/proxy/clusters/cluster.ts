import type { ClusterConfig, EndpointConfig } from "../../config/model";
import { BALANCERS, type Balancer } from "../balancing/balancer";
import type { StatsStore } from "../stats/store";
import { ClientTls } from "../tls/client-tls";
import { type ClusterStats, createClusterStats, ResponseCodeStats, RetriedStats } from "./cluster-stats";
import { Connector, HostStats } from "./connector";
import { HostPool } from "./host-pool";
import { Http2Pool } from "./http2-pool";

/** One usable address of a cluster. */
export interface Host {
  readonly address: string;
  readonly port: number;
  readonly hostname: string;
  readonly endpoint: EndpointConfig;
  readonly connector: Connector;
  readonly pool: HostPool;
  /** Set when the cluster speaks HTTP/2. */
  readonly http2: Http2Pool | undefined;
  readonly stats: HostStats;
  /** Share among the hosts, 1 or more. */
  readonly weight: number;
  /** A connection is there that takes a request at once. */
  readonly hasRoom: boolean;
}

/** `ip:port`, `[ip6]:port`. */
export function formatAddress(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The `ip` of `ip:port`, without brackets. */
export function ipOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

const MAX_HASH = (1n << 64n) - 1n;

/** A named set of hosts. */
export class Cluster {
  hosts: readonly Host[] = [];
  readonly stats: ClusterStats;
  /** Answers to clients' requests, to filters' own calls. */
  readonly codes: ResponseCodeStats;
  readonly callCodes: ResponseCodeStats;
  /** Undefined for plain connections. */
  readonly tls: ClientTls | undefined;
  readonly retriedCodes: RetriedStats;
  /** Of the hosts there are now. */
  private balancer: Balancer | undefined;
  /** Retries on their way or waiting for their turn. */
  retries = 0;
  /** Requests on their way, waiting ones included. */
  active = 0;
  /** Those that have no connection yet. */
  waiting = 0;

  /** Throws ConfigError when the certificates of its TLS are of no use. */
  constructor(
    readonly config: ClusterConfig,
    store: StatsStore,
  ) {
    this.stats = createClusterStats(store, config.statName);
    const prefix = `cluster.${config.statName}.`;
    this.tls = config.tls && new ClientTls(config.tls, store, prefix);
    const { upstream_rq_completed: completed } = this.stats;
    this.codes = new ResponseCodeStats(store, prefix, completed, "external");
    this.callCodes = new ResponseCodeStats(store, prefix, completed, "internal");
    this.retriedCodes = new RetriedStats(store, prefix);
  }

  /**
   * A host by the cluster's policy; undefined = there is none.
   *
   * @param hash what the route's hash policy made of the request
   * @param avoid hosts that are passed over, `attempts` times at most
   */
  pick(hash?: bigint, avoid?: (host: Host) => boolean, attempts = 0): Host | undefined {
    const { balancer } = this;
    if (!balancer) return undefined;
    for (let attempt = 0; ; attempt++) {
      // Another try has to lead somewhere else: Envoy turns the hash over.
      const turned = hash === undefined || attempt === 0 ? hash : hash ^ (MAX_HASH - BigInt(attempt) + 1n);
      const host = balancer(turned);
      if (attempt >= attempts || !avoid?.(host)) return host;
    }
  }

  /**
   * Whether one request more to a host would be too many, which is counted. Without a connection that is free it needs a place
   * among those that wait for one, be it for a new one.
   */
  refuses(host: Host): boolean {
    const { circuitBreakers: limits } = this.config;
    if (host.hasRoom) return this.isFull();
    if (this.waiting >= limits.max_pending_requests) {
      this.stats.upstream_rq_pending_overflow.inc();
      return true;
    }
    host.pool.allow(limits.max_connections - this.connectionsBeside(host));
    return false;
  }

  /** Are as many requests under way as may be? One more that has got a connection is counted as too many. */
  isFull(): boolean {
    if (this.active - this.waiting < this.config.circuitBreakers.max_requests) return false;
    this.stats.upstream_rq_active_overflow.inc();
    return true;
  }

  private connectionsBeside(host: Host): number {
    return Number(this.stats.upstream_cx_active.value - host.stats.cx_active.value);
  }

  /** Replaces the hosts; those already known keep their connections. False when nothing changed. */
  update(wanted: readonly { address: string; port: number; endpoint: EndpointConfig }[]): boolean {
    const { config } = this;
    const known = new Map(this.hosts.map((h) => [formatAddress(h.address, h.port), h]));
    const seen = new Set<string>();
    const hosts: Host[] = [];
    let changed = false;
    for (const { address, port, endpoint } of wanted) {
      const key = formatAddress(address, port);
      if (seen.has(key)) continue;
      seen.add(key);
      const old = known.get(key);
      if (!old) changed = true;
      hosts.push(old ?? this.createHost(address, port, endpoint));
    }
    for (const [key, host] of known) {
      if (seen.has(key)) continue;
      changed = true;
      host.pool.drain();
      host.http2?.drain();
    }
    this.hosts = hosts;
    if (changed || !this.balancer)
      this.balancer =
        hosts.length === 0
          ? undefined
          : BALANCERS[config.balancing.policy](hosts, config.balancing, Math.random);
    if (changed) this.stats.membership_change.inc();
    this.stats.membership_total.set(BigInt(hosts.length));
    this.stats.membership_healthy.set(BigInt(hosts.length));
    return changed;
  }

  private createHost(address: string, port: number, endpoint: EndpointConfig): Host {
    const stats = new HostStats();
    const { connectTimeoutMs, http2: http2Options } = this.config;
    // Of a name looked up, the name itself stands for the host.
    const named = this.config.type === "STATIC" ? "" : endpoint.address;
    const hostname = endpoint.hostname || named;
    const options = { address, port, hostname, connectTimeoutMs, tls: this.tls };
    const connector = new Connector(options, this.stats, stats);
    const pool = new HostPool(connector, this.config);
    const http2 = http2Options && new Http2Pool(connector, http2Options, this.config, this.stats);
    return {
      address,
      port,
      hostname,
      endpoint,
      connector,
      pool,
      http2,
      stats,
      weight: endpoint.weight,
      get hasRoom() {
        return http2 ? http2.hasRoom : pool.hasRoom;
      },
    };
  }

  close(): void {
    for (const host of this.hosts) {
      host.http2?.close();
      host.pool.destroy();
    }
  }
}
