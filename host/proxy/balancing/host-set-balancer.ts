import type { BalancingConfig } from "../../config/model";
import type { HostSetsConfig } from "../../config/model/host-sets";
import type { HeaderMap } from "../../stores/header-map";
import type { ClusterStats } from "../clusters/cluster-stats";
import type { Host } from "../clusters/host";
import type { HostGroup, HostSet } from "../clusters/host-set";
import { BALANCERS, type Balancer, HASHED, type Turn } from "./balancer";
import { randomHash } from "./hash";
import { effectiveWeights, localityShares } from "./locality-weights";
import type { MatchCriteria } from "./match-criteria";
import { type Availability, choosePriority, type PriorityLoads, priorityLoads } from "./priority-load";
import { scheduled } from "./scheduled";

/** What a request brings to the choice of a host. */
export interface PickRequest {
  /** What the route's hash policy made of it; undefined = there is nothing to hash. */
  readonly hash?: bigint | undefined;
  /** What the route asks of a host; means something where a cluster has subsets. */
  readonly criteria?: MatchCriteria | undefined;
  /** The request's own, as they are when a host is wanted. */
  readonly headers?: HeaderMap | undefined;
  /** Hosts that are passed over, `attempts` times at most. */
  readonly avoid?: ((host: Host) => boolean) | undefined;
  readonly attempts?: number | undefined;
}

/** What balancers are told of their cluster. */
export interface BalancerRules {
  readonly balancing: BalancingConfig;
  readonly hostSets: HostSetsConfig;
  readonly stats: ClusterStats;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Where balancers of the same hosts were before something changed; by what they choose from. */
export type Turns = Map<string, Turn>;

type Kind = "hosts" | "healthy" | "degraded";

/** Chooses a priority, a locality where these are weighted, and a host. Made for sets of hosts as they are at one time. */
export class HostSetBalancer {
  private readonly loads: PriorityLoads;
  private readonly balancers = new Map<readonly Host[], Balancer>();
  private readonly localities = new Map<string, (() => number) | undefined>();
  private readonly hashes: boolean;
  /** What chooses from the hosts that get everything; undefined = there is more to decide. */
  private readonly simple: Balancer | undefined;

  constructor(
    private readonly sets: readonly HostSet[],
    private readonly rules: BalancerRules,
    private readonly turns: Turns,
  ) {
    const { hostSets, balancing } = rules;
    const counted = sets.map(countHosts);
    const weighed = hostSets.weightedPriorityHealth ? sets.map(sumWeights) : counted;
    this.loads = priorityLoads(weighed, hostSets, counted);
    const [first] = sets;
    this.hashes = HASHED.has(balancing.policy);
    const plain = !this.hashes && !hostSets.localityWeighted && !this.loads.panic[0];
    if (plain && this.loads.healthy[0] === 100 && first!.healthy.length > 0)
      this.simple = this.balancerOf(0, "healthy", first!.healthy);
  }

  pick(request: PickRequest): Host | undefined {
    const { avoid, attempts = 0 } = request;
    const choose = this.hashes ? this.byHash(request.hash ?? randomHash(this.rules.random)) : undefined;
    for (let attempt = 0; ; attempt++) {
      const host = choose ? choose(attempt) : this.pickOnce();
      if (!host || attempt >= attempts || !avoid?.(host)) return host;
    }
  }

  private pickOnce(): Host | undefined {
    if (this.simple) return this.simple(0n, 0);
    const { rules } = this;
    const { priority, of } = choosePriority(this.loads, Math.floor(rules.random() * 100) + 1);
    const set = this.sets[priority]!;
    if (this.loads.panic[priority]) {
      rules.stats.lb_healthy_panic.inc();
      return rules.hostSets.failTrafficOnPanic ? undefined : this.choose(priority, "hosts", set.hosts);
    }
    const locality = rules.hostSets.localityWeighted ? this.chooseLocality(priority, of) : undefined;
    return locality === undefined
      ? this.choose(priority, of, set[of])
      : this.choose(priority, of, set.localities[locality]![of], locality);
  }

  private choose(priority: number, kind: Kind, hosts: readonly Host[], locality?: number): Host | undefined {
    return hosts.length === 0 ? undefined : this.balancerOf(priority, kind, hosts, locality)(0n, 0);
  }

  private balancerOf(priority: number, kind: Kind, hosts: readonly Host[], locality?: number): Balancer {
    let balancer = this.balancers.get(hosts);
    if (!balancer) {
      const turn = this.turnOf(`${priority} ${kind} ${locality ?? ""}`);
      const { balancing, random } = this.rules;
      balancer = BALANCERS[balancing.policy](hosts, balancing, { random, turn, shares: [] });
      this.balancers.set(hosts, balancer);
    }
    return balancer;
  }

  private turnOf(what: string): Turn {
    let turn = this.turns.get(what);
    if (!turn) {
      turn = { next: 0 };
      this.turns.set(what, turn);
    }
    return turn;
  }

  /** The index of the locality whose turn it is; undefined = none has a weight. */
  private chooseLocality(priority: number, of: "healthy" | "degraded"): number | undefined {
    const key = `${priority} ${of}`;
    if (!this.localities.has(key)) {
      const { overprovisioningFactor } = this.rules.hostSets;
      const weights = effectiveWeights(this.sets[priority]!, of, overprovisioningFactor);
      const some = weights.flatMap((weight, index) => (weight > 0 ? [index] : []));
      const turn = this.turnOf(`locality ${key}`);
      this.localities.set(key, some.length === 0 ? undefined : scheduled(some, (i) => weights[i]!, turn));
    }
    return this.localities.get(key)?.();
  }

  /** A request's hash chooses everything, so that it always leads to the same host. Degraded hosts have no places. */
  private byHash(hash: bigint): (attempt: number) => Host | undefined {
    const { stats } = this.rules;
    const { priority } = choosePriority(this.loads, Number(hash % 100n) + 1);
    const set = this.sets[priority]!;
    const panic = this.loads.panic[priority]!;
    if (panic) stats.lb_healthy_panic.inc();
    const balancer = this.placed(set, panic ? "hosts" : "healthy");
    return (attempt) => balancer?.(hash, attempt);
  }

  private placed(set: HostSet, kind: "hosts" | "healthy"): Balancer | undefined {
    const cached = this.balancers.get(set[kind]);
    if (cached) return cached;
    const { balancing, hostSets, random } = this.rules;
    const { hosts, shares } = localityShares(set, kind, hostSets.localityWeighted);
    if (hosts.length === 0) return undefined;
    const balancer = BALANCERS[balancing.policy](hosts, balancing, { random, turn: { next: 0 }, shares });
    this.balancers.set(set[kind], balancer);
    return balancer;
  }
}

function countHosts(set: HostGroup): Availability {
  const { hosts, healthy, degraded, excluded } = set;
  return {
    hosts: hosts.length,
    healthy: healthy.length,
    degraded: degraded.length,
    excluded: excluded.length,
  };
}

function sumWeights(set: HostGroup): Availability {
  const sum = (hosts: readonly Host[]) => hosts.reduce((all, { weight }) => all + weight, 0);
  return {
    hosts: sum(set.hosts),
    healthy: sum(set.healthy),
    degraded: sum(set.degraded),
    excluded: sum(set.excluded),
  };
}
