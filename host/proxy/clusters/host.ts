import type { ClusterConfig, EndpointConfig } from "../../config/model";
import type { HostMonitor } from "../outlier/host-monitor";
import type { ClientTls } from "../tls/client-tls";
import type { ClusterStats } from "./cluster-stats";
import { Connector, HostStats, type PooledSocket } from "./connector";
import { ENDPOINT_FLAGS, type Health, HealthFlag, healthOf, isExcluded } from "./host-health";
import { HostPool } from "./host-pool";
import { Http2Pool } from "./http2-pool";
import type { Resources } from "./resources";

/** `ip:port`, `[ip6]:port`. */
export function formatAddress(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The `ip` of `ip:port`, without brackets. */
export function ipOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

/** What hosts take from their cluster. */
export interface HostOwner {
  readonly config: ClusterConfig;
  readonly stats: ClusterStats;
  readonly resources: Resources;
  readonly tls: ClientTls | undefined;
}

/** One usable address of a cluster. */
export class Host {
  readonly stats = new HostStats();
  readonly connector: Connector;
  readonly pool: HostPool;
  /** Set when the cluster speaks HTTP/2. */
  readonly http2: Http2Pool | undefined;
  /** `ip:port`. */
  readonly text: string;
  /** Its own name; "" = it has none. */
  readonly hostname: string;
  /** Share among the hosts, 1 or more. */
  readonly weight: number;
  /** Monotonic milliseconds since when it is healthy without a break; undefined = nobody has looked yet. */
  healthySince: number | undefined;
  /** Told when the host counts differently from before; its cluster's. */
  onHealthChange: (() => void) | undefined;
  /** Who judges it by what it does, who asks it how it is; undefined = nobody. */
  outlier: HostMonitor | undefined;
  checks: { failAtOnce(): void } | undefined;
  /** Connections of TCP that end when it fails. */
  readonly streams = new Set<PooledSocket>();
  private bits: number;

  constructor(
    readonly address: string,
    readonly port: number,
    readonly endpoint: EndpointConfig,
    { config, stats, tls, resources }: HostOwner,
  ) {
    const { connectTimeoutMs, http2 } = config;
    this.text = formatAddress(address, port);
    // Of a name looked up, the name itself stands for the host.
    this.hostname = endpoint.hostname || (config.type === "STATIC" ? "" : endpoint.address);
    this.weight = endpoint.weight;
    this.bits = ENDPOINT_FLAGS[endpoint.health];
    const options = { address, port, hostname: this.hostname, connectTimeoutMs, tls };
    this.connector = new Connector(options, stats, this.stats, resources);
    this.pool = new HostPool(this.connector, config);
    this.http2 = http2 && new Http2Pool(this.connector, http2, config, stats);
  }

  /** 0 is tried first. */
  get priority(): number {
    return this.endpoint.priority;
  }

  get health(): Health {
    return healthOf(this.bits);
  }

  get excluded(): boolean {
    return isExcluded(this.bits);
  }

  /** All of its {@link HealthFlag}s. */
  get flags(): number {
    return this.bits;
  }

  has(flag: HealthFlag): boolean {
    return (this.bits & flag) !== 0;
  }

  /** Sets or clears a flag. False when it was so before. */
  setFlag(flag: HealthFlag, on: boolean): boolean {
    const { health, excluded } = this;
    const bits = on ? this.bits | flag : this.bits & ~flag;
    if (bits === this.bits) return false;
    this.bits = bits;
    // A check that passes again begins a slow start; a host that is let in again by outlier detection is warm.
    if (flag === HealthFlag.FailedActiveHc && !on) this.healthySince = performance.now();
    if (this.health !== health || this.excluded !== excluded) this.onHealthChange?.();
    return true;
  }

  /** A connection is there that takes a request at once. */
  get hasRoom(): boolean {
    return this.http2 ? this.http2.hasRoom : this.pool.hasRoom;
  }

  /** It has turned out not to be well; what is new might fare better on new connections. */
  onFailure(): void {
    this.renewConnections();
    for (const socket of this.streams) socket.destroy();
  }

  /** The connections it has serve out their requests, and no more. */
  renewConnections(): void {
    this.pool.renew();
    this.http2?.drain();
  }

  /** No new requests will come: idle connections go now, busy ones after their exchange. */
  drain(): void {
    this.pool.drain();
    this.http2?.drain();
  }

  /** Cuts everything. */
  close(): void {
    this.http2?.close();
    this.pool.destroy();
  }
}
