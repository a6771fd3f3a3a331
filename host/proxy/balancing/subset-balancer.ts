import type { SubsetSelector, SubsetsConfig } from "../../config/model/subsets";
import type { Host } from "../clusters/host";
import { type HostSet, subsetOf } from "../clusters/host-set";
import type { StatGauge } from "../stats/store";
import { type BalancerRules, HostSetBalancer, type PickRequest, type Turns } from "./host-set-balancer";
import { type MatchCriteria, mergeCriteria, narrowCriteria } from "./match-criteria";
import { hasFields, mapSubsets, type SubsetMap } from "./subset-map";

const FALLBACK_LIST = "fallback_list";
const ANY = "any";
const DEFAULT = "default";

/** Chooses the subset that a request asks for, and a host of it by the cluster's policy. */
export class SubsetBalancer {
  private sets: readonly HostSet[] = [];
  private map: SubsetMap = { subsets: new Map(), duplicates: 0 };
  /** Made when first asked, for the hosts as they are now. */
  private readonly balancers = new Map<string, HostSetBalancer>();
  private readonly turns = new Map<string, Turns>();
  private readonly selectors: ReadonlyMap<string, SubsetSelector>;
  private readonly rules: BalancerRules;

  constructor(
    private readonly config: SubsetsConfig,
    rules: BalancerRules,
    private readonly duplicates: StatGauge,
  ) {
    const { hostSets } = rules;
    const localityWeighted = hostSets.localityWeighted && config.localityWeightAware;
    this.rules = { ...rules, hostSets: { ...hostSets, localityWeighted } };
    this.selectors = selectorsByKeys(config.selectors);
  }

  /** The hosts are others, or count differently. */
  update(sets: readonly HostSet[]): void {
    const { stats } = this.rules;
    const before = this.map.subsets;
    this.sets = sets;
    const hosts = sets.flatMap((set) => set.hosts);
    this.map = mapSubsets(hosts, this.config);
    const { subsets } = this.map;
    stats.lb_subsets_created.add([...subsets.keys()].filter((id) => !before.has(id)).length);
    const gone = [...before.keys()].filter((id) => !subsets.has(id));
    stats.lb_subsets_removed.add(gone.length);
    for (const id of gone) this.turns.delete(id);
    stats.lb_subsets_active.set(BigInt(subsets.size));
    this.duplicates.set(BigInt(this.map.duplicates));
    this.balancers.clear();
  }

  pick(request: PickRequest): Host | undefined {
    const { criteria } = request;
    const list = this.config.fallbackList && criteria?.fields.get(FALLBACK_LIST);
    if (!criteria || !list) return this.pickFor(request, criteria);
    const asked = narrowCriteria(criteria, (name) => name !== FALLBACK_LIST);
    const choices = Array.isArray(list) ? list : [];
    if (choices.length === 0) return this.pickFor(request, asked);
    for (const choice of choices) {
      const host = this.pickFor(request, mergeCriteria(asked, structOf(choice)));
      if (host) return host;
    }
    return undefined;
  }

  private pickFor(request: PickRequest, asked: MatchCriteria | undefined): Host | undefined {
    const { stats } = this.rules;
    const criteria = asked && this.config.allowRedundantKeys ? this.withoutRedundant(asked) : asked;
    if (criteria) {
      const subset = this.map.subsets.get(criteria.id);
      if (subset) {
        stats.lb_subsets_selected.inc();
        if (subset.singleHost) return lowest(subset.hosts);
        return this.balancerOf(criteria.id, (host) => subset.hosts.has(host)).pick(request);
      }
      const selector = this.selectors.get(keysOf([...criteria.fields.keys()]));
      if (selector && selector.fallback !== "NOT_DEFINED")
        return this.pickInstead(selector, request, criteria);
    }
    return this.pickFallback(request);
  }

  /** No host is what the request asks for, and its keys have a fallback of their own. */
  private pickInstead(
    { fallback, fallbackKeys }: SubsetSelector,
    request: PickRequest,
    criteria: MatchCriteria,
  ): Host | undefined {
    if (fallback === "ANY_ENDPOINT") return this.any().pick(request);
    if (fallback === "DEFAULT_SUBSET") return this.byDefault().pick(request);
    if (fallback !== "KEYS_SUBSET") return undefined;
    return this.pickFor(
      request,
      narrowCriteria(criteria, (name) => fallbackKeys.includes(name)),
    );
  }

  private pickFallback(request: PickRequest): Host | undefined {
    const { stats } = this.rules;
    const { fallback, panicModeAny } = this.config;
    if (fallback === "NO_FALLBACK") return undefined;
    const host = (fallback === "ANY_ENDPOINT" ? this.any() : this.byDefault()).pick(request);
    if (host) {
      stats.lb_subsets_fallback.inc();
      return host;
    }
    const anybody = panicModeAny ? this.any().pick(request) : undefined;
    if (anybody) stats.lb_subsets_fallback_panic.inc();
    return anybody;
  }

  /** What the first selector whose keys are all there asks for. */
  private withoutRedundant(criteria: MatchCriteria): MatchCriteria {
    const selector = this.config.selectors.find(({ keys }) => keys.every((key) => criteria.fields.has(key)));
    return selector ? narrowCriteria(criteria, (name) => selector.keys.includes(name)) : criteria;
  }

  private any(): HostSetBalancer {
    return this.balancerOf(ANY, () => true);
  }

  private byDefault(): HostSetBalancer {
    const { defaultSubset, listAsAny } = this.config;
    return this.balancerOf(DEFAULT, (host) => hasFields(host, defaultSubset, listAsAny));
  }

  private balancerOf(id: string, fits: (host: Host) => boolean): HostSetBalancer {
    let balancer = this.balancers.get(id);
    if (!balancer) {
      let turns = this.turns.get(id);
      if (!turns) {
        turns = new Map();
        this.turns.set(id, turns);
      }
      const sets = this.sets.map((set) => this.scaled(set, subsetOf(set, fits)));
      balancer = new HostSetBalancer(sets, this.rules, turns);
      this.balancers.set(id, balancer);
    }
    return balancer;
  }

  private scaled(whole: HostSet, part: HostSet): HostSet {
    if (!this.config.scaleLocalityWeight) return part;
    const localities = part.localities.map((locality, i) => {
      const share = locality.hosts.length / whole.localities[i]!.hosts.length;
      return { ...locality, weight: Math.round(locality.weight * share) };
    });
    return { ...part, localities };
  }
}

const keysOf = (keys: readonly string[]) => JSON.stringify(keys);

/**
 * Selectors by their keys. One whose keys are the first ones of a selector further up is never found: Envoy's tree has its
 * place already, without a fallback.
 */
function selectorsByKeys(selectors: readonly SubsetSelector[]): Map<string, SubsetSelector> {
  const found = new Map<string, SubsetSelector>();
  const places = new Set<string>();
  for (const selector of selectors) {
    const own = keysOf(selector.keys);
    if (!places.has(own)) found.set(own, selector);
    for (let count = 1; count <= selector.keys.length; count++)
      places.add(keysOf(selector.keys.slice(0, count)));
  }
  return found;
}

function lowest(hosts: ReadonlySet<Host>): Host | undefined {
  let lowest: Host | undefined;
  for (const host of hosts) if (!lowest || host.priority < lowest.priority) lowest = host;
  return lowest;
}

function structOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
