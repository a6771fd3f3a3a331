import type { OwnHealthConfig } from "../../config/model/own-health";
import type { HeaderMap } from "../../stores/header-map";
import { ResponseFlag } from "../../stores/stream-info";
import {
  DataStatus,
  type FilterCallbacks,
  type FilterFactory,
  HeadersStatus,
  TrailersStatus,
} from "../../stream/filter";
import type { ClusterManager } from "../clusters/cluster-manager";
import { headerMatcher } from "../router/matchers";
import type { StatCounter, StatsStore } from "../stats/store";
import { QuietFilter } from "./quiet-filter";

/** What filters of the proxy's own need of it. */
export interface OwnFilterDeps {
  readonly store: StatsStore;
  readonly clusters: ClusterManager;
  /** Whether the administrator has declared the proxy unwell. */
  readonly health: { readonly failed: boolean };
  /** `node.cluster` */
  readonly clusterName: string;
}

const STATS = [
  "request_total",
  "ok",
  "failed",
  "cached_response",
  "failed_cluster_not_found",
  "failed_cluster_empty",
  "failed_cluster_unhealthy",
  "degraded",
] as const;
type Stats = Readonly<Record<(typeof STATS)[number], StatCounter>>;

interface Verdict {
  status: number;
  details: string;
  degraded?: boolean;
}

/** The last answer from behind, good for what is left of the interval it came in. */
class Cache {
  private readonly began = performance.now();
  private interval = -1;
  private answer: { status: number; degraded: boolean } | undefined;

  constructor(private readonly ms: number) {}

  private get now(): number {
    return Math.floor((performance.now() - this.began) / this.ms);
  }

  get current() {
    return this.interval === this.now ? this.answer : undefined;
  }

  set(status: number, degraded: boolean): void {
    this.answer = { status, degraded };
    this.interval = this.now;
  }
}

/** What the streams of one filter share. */
class OwnHealth {
  readonly cache: Cache | undefined;
  readonly stats: Stats;
  private readonly tests: readonly ((headers: HeaderMap) => boolean)[];

  constructor(
    readonly config: OwnHealthConfig,
    readonly deps: OwnFilterDeps,
    statPrefix: string,
  ) {
    const prefix = `http.${statPrefix}.health_check.`;
    this.stats = Object.fromEntries(STATS.map((name) => [name, deps.store.counter(prefix + name)])) as Stats;
    this.tests = config.headers.map(headerMatcher);
    if (config.passThrough && config.cacheMs > 0) this.cache = new Cache(config.cacheMs);
  }

  isAsked(headers: HeaderMap): boolean {
    return this.tests.every((test) => test(headers));
  }

  get answersItself(): boolean {
    return !this.config.passThrough || this.deps.health.failed || this.cache?.current !== undefined;
  }

  verdict(): Verdict {
    const { deps, stats, cache } = this;
    if (deps.health.failed) return { status: 503, details: "health_check_failed" };
    const cached = cache?.current;
    if (cached) {
      stats.cached_response.inc();
      if (cached.degraded) stats.degraded.inc();
      return { ...cached, details: "health_check_cached" };
    }
    return this.clustersVerdict();
  }

  private clustersVerdict(): Verdict {
    const { stats } = this;
    const { minimums } = this.config;
    const fails = (counter: StatCounter, details: string) => {
      counter.inc();
      return { status: 503, details };
    };
    for (const { cluster: name, percent } of minimums) {
      const cluster = this.deps.clusters.get(name);
      if (!cluster) return fails(stats.failed_cluster_not_found, "health_check_failed_no_cluster_found");
      const total = cluster.members.count("hosts");
      if (total === 0 && percent > 0)
        return fails(stats.failed_cluster_empty, "health_check_failed_cluster_empty");
      // Degraded hosts do not count as healthy here.
      if (100 * cluster.members.count("healthy") < total * percent)
        return fails(stats.failed_cluster_unhealthy, "health_check_failed_cluster_unhealthy");
    }
    const details = minimums.length > 0 ? "health_check_ok_cluster_healthy" : "health_check_ok";
    return { status: 200, details };
  }
}

/** `envoy.filters.http.health_check`: answers requests that ask how the proxy is. */
export function ownHealthFilter(
  name: string,
  config: OwnHealthConfig,
  deps: OwnFilterDeps,
  statPrefix: string,
): FilterFactory {
  const shared = new OwnHealth(config, deps, statPrefix);
  return { name, create: (callbacks) => new OwnHealthFilter(shared, callbacks) };
}

class OwnHealthFilter extends QuietFilter {
  private asked = false;
  private handling = false;

  constructor(
    private readonly shared: OwnHealth,
    private readonly callbacks: FilterCallbacks,
  ) {
    super();
  }

  override decodeHeaders(headers: HeaderMap, endStream: boolean): HeadersStatus {
    this.asked = this.shared.isAsked(headers);
    this.handling = this.asked && this.shared.answersItself;
    if (!this.handling) return HeadersStatus.Continue;
    if (endStream) this.answer();
    return HeadersStatus.StopIteration;
  }

  override decodeData(_chunk: unknown, endStream: boolean): DataStatus {
    if (!this.handling) return DataStatus.Continue;
    if (endStream) this.answer();
    return DataStatus.StopIterationNoBuffer;
  }

  override decodeTrailers(): TrailersStatus {
    if (!this.handling) return TrailersStatus.Continue;
    this.answer();
    return TrailersStatus.StopIteration;
  }

  private answer(): void {
    const { stats } = this.shared;
    stats.request_total.inc();
    const { status, details, degraded } = this.shared.verdict();
    const good = status >= 200 && status < 300;
    (good ? stats.ok : stats.failed).inc();
    this.callbacks.sendLocalReply({
      status,
      body: "",
      details,
      flags: good ? 0 : ResponseFlag.LocalHealthFail,
      headers: degraded ? [["x-envoy-degraded", ""]] : [],
    });
  }

  override encodeHeaders(headers: HeaderMap): HeadersStatus {
    const { deps, cache } = this.shared;
    if (this.asked) {
      cache?.set(Number(headers.get(":status")), headers.has("x-envoy-degraded"));
      headers.set("x-envoy-upstream-healthchecked-cluster", deps.clusterName);
    }
    if (deps.health.failed) headers.set("x-envoy-immediate-health-check-fail", "true");
    return HeadersStatus.Continue;
  }
}
