import type { ClusterConfig, EndpointConfig } from "../../config/model";
import {
  type BalancerRules,
  HostSetBalancer,
  type PickRequest,
  type Turns,
} from "../balancing/host-set-balancer";
import { SubsetBalancer } from "../balancing/subset-balancer";
import { ClusterOutlier } from "../outlier/cluster-outlier";
import type { StatsStore } from "../stats/store";
import { ClientTls } from "../tls/client-tls";
import { type ClusterStats, createClusterStats, ResponseCodeStats, RetriedStats } from "./cluster-stats";
import { formatAddress, Host } from "./host";
import { HealthFlag } from "./host-health";
import { HostSets } from "./host-sets";
import { OriginalDst } from "./original-dst";
import { Resources } from "./resources";

export { formatAddress, type Host, ipOf } from "./host";

const ANY: PickRequest = {};

/** A named set of hosts. */
export class Cluster {
  /** Its hosts by priority; tells who watches them what changes. */
  readonly members: HostSets;
  readonly stats: ClusterStats;
  /** Answers to clients' requests; to filters' own calls and to requests from inside. */
  readonly codes: ResponseCodeStats;
  readonly callCodes: ResponseCodeStats;
  /** Undefined for plain connections. */
  readonly tls: ClientTls | undefined;
  readonly retriedCodes: RetriedStats;
  /** Of the hosts as they are now; undefined = they have changed since the last request. */
  private balancer: HostSetBalancer | undefined;
  private readonly rules: BalancerRules;
  /** Undefined: the cluster is one. */
  private readonly subsets: SubsetBalancer | undefined;
  /** Set when requests name their hosts. */
  private readonly originalDst: OriginalDst | undefined;
  private readonly turns: Turns = new Map();
  readonly outlier: ClusterOutlier | undefined;
  /** Of which it may have only so much at one time. */
  readonly resources: Resources;

  /** Throws ConfigError when the certificates of its TLS are of no use. */
  constructor(
    readonly config: ClusterConfig,
    store: StatsStore,
  ) {
    this.stats = createClusterStats(store, config.statName);
    this.resources = new Resources(config, store);
    const prefix = `cluster.${config.statName}.`;
    this.tls = config.tls && new ClientTls(config.tls, store, prefix);
    const { upstream_rq_completed: completed } = this.stats;
    this.codes = new ResponseCodeStats(store, prefix, completed, "external");
    this.callCodes = new ResponseCodeStats(store, prefix, completed, "internal");
    this.retriedCodes = new RetriedStats(store, prefix);
    const { balancing, hostSets } = config;
    this.rules = { balancing, hostSets, stats: this.stats, random: Math.random };
    this.members = new HostSets(hostSets);
    if (config.subsets) {
      const duplicates = store.gauge(`${prefix}lb_subsets_single_host_per_subset_duplicate`);
      this.subsets = new SubsetBalancer(config.subsets, this.rules, duplicates);
    }
    if (config.originalDst) {
      const invalid = store.counter(`${prefix}original_dst_host_invalid`);
      this.originalDst = new OriginalDst(config.originalDst, this, invalid);
    }
    if (balancing.slowStart)
      this.members.onMembers((added) => {
        for (const host of added) if (host.health === "healthy") host.healthySince ??= performance.now();
      });
    this.members.onChange(() => this.onHostsChange());
    this.outlier = config.outlier && new ClusterOutlier(config.outlier, this.members, store, prefix);
  }

  /** All of them, in the order of the file. */
  get hosts(): readonly Host[] {
    return this.members.hosts;
  }

  private onHostsChange(): void {
    this.balancer = undefined;
    this.subsets?.update(this.members.sets);
    this.publishMembers();
  }

  /** Says in the gauges which hosts there are. */
  publishMembers(): void {
    const { members, stats } = this;
    stats.membership_total.set(BigInt(members.count("hosts")));
    stats.membership_healthy.set(BigInt(members.count("healthy")));
    stats.membership_degraded.set(BigInt(members.count("degraded")));
    stats.membership_excluded.set(BigInt(members.count("excluded")));
  }

  /** A host by the cluster's policy; undefined = there is none. */
  pick(request: PickRequest = ANY): Host | undefined {
    const own = this.subsets ?? this.originalDst;
    if (own) return own.pick(request);
    this.balancer ??= new HostSetBalancer(this.members.sets, this.rules, this.turns);
    return this.balancer.pick(request);
  }

  /**
   * Whether one request more to a host would be too many, which is counted. Without a connection that is free it needs a place
   * among those that wait for one, be it for a new one.
   */
  refuses(host: Host): boolean {
    if (host.hasRoom) return this.isFull();
    if (this.resources.pending.hasRoom) return false;
    this.stats.upstream_rq_pending_overflow.inc();
    return true;
  }

  /** Are as many requests under way as may be? One more that has got a connection is counted as too many. */
  isFull(): boolean {
    if (this.resources.requests.hasRoom) return false;
    this.stats.upstream_rq_active_overflow.inc();
    return true;
  }

  /**
   * Replaces the hosts; those already known keep their connections. An address that stands in several places of the file is a
   * host in each of them. Returns in how many of them, or in how many priorities of a STATIC cluster, hosts came or went.
   */
  update(wanted: readonly { address: string; port: number; endpoint: EndpointConfig }[]): number {
    const known = new Map<EndpointConfig, Map<string, Host>>();
    for (const host of this.hosts) placeOf(known, host.endpoint).set(nameOf(host), host);
    const hosts = new Set<Host>();
    for (const each of wanted) {
      const place = placeOf(known, each.endpoint);
      const host = place.get(nameOf(each)) ?? new Host(each.address, each.port, each.endpoint, this);
      place.set(nameOf(each), host);
      hosts.add(host);
    }
    const { hosts: before } = this;
    for (const host of before) {
      const named = hosts.has(host);
      if (!named && this.outlivesItsName(host)) hosts.add(host);
      host.setFlag(HealthFlag.PendingDynamicRemoval, !named);
    }
    const changed = this.members.update([...hosts]);
    if (changed.length > 0 && this.config.hostHealth.renewOnChange)
      for (const host of before) host.renewConnections();
    for (const host of before) if (!hosts.has(host)) host.drain();
    const byPriority = this.config.type === "STATIC";
    const places = new Set(changed.map((host) => (byPriority ? host.priority : host.endpoint)));
    this.stats.membership_change.add(places.size);
    return places.size;
  }

  /** A host that passes its checks serves on when DNS no longer names it, until it fails one. */
  private outlivesItsName(host: Host): boolean {
    const { healthCheck, hostHealth } = this.config;
    if (!healthCheck || hostHealth.ignoreHealthOnRemoval || host.endpoint.check.disabled) return false;
    return !host.has(HealthFlag.FailedActiveHc) && !host.has(HealthFlag.FailedEdsHealth);
  }

  /** No new requests will come; those on their way end as they would have. */
  retire(): void {
    this.outlier?.close();
    this.originalDst?.close();
    for (const host of this.hosts) host.drain();
  }

  close(): void {
    this.outlier?.close();
    this.originalDst?.close();
    for (const host of this.hosts) host.close();
  }
}

const nameOf = ({ address, port }: { address: string; port: number }) => formatAddress(address, port);

function placeOf(places: Map<EndpointConfig, Map<string, Host>>, endpoint: EndpointConfig) {
  let place = places.get(endpoint);
  if (!place) {
    place = new Map();
    places.set(endpoint, place);
  }
  return place;
}
