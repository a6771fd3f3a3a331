import type { ClusterConfig } from "../../config/model";
import type { LogFile } from "../access-log/log-file";
import type { OnBug } from "../contain";
import { HealthChecker } from "../health-check/health-checker";
import type { StatCounter, StatsStore } from "../stats/store";
import { gather } from "../tls/gather";
import type { Change } from "../update/change";
import { Cluster } from "./cluster";
import { Resolver } from "./resolver";

const rethrow: OnBug = (error) => {
  throw error;
};

type OpenLog = (path: string) => LogFile;

/** A cluster with what finds its hosts. */
class Served {
  private readonly resolver: Resolver | undefined;
  private readonly checker: HealthChecker | undefined;

  /** `key`: what the file says of it, as text. */
  constructor(
    readonly cluster: Cluster,
    readonly key: string,
    store: StatsStore,
    onBug: OnBug,
    openLog: OpenLog | undefined,
  ) {
    const { config } = cluster;
    this.checker =
      config.healthCheck && new HealthChecker(config.healthCheck, cluster, store, onBug, openLog);
    if (config.type === "STATIC") {
      cluster.update(
        config.endpoints.map((endpoint) => ({ address: endpoint.address, port: endpoint.port, endpoint })),
      );
    } else if (config.type !== "ORIGINAL_DST") this.resolver = new Resolver(cluster);
  }

  get name(): string {
    return this.cluster.config.name;
  }

  /** Resolves when its names were looked up once, and every host that is to be checked was checked once. */
  async start(): Promise<void> {
    await this.resolver?.start();
    await this.checker?.start();
  }

  /** Nobody asks it for hosts any more; requests on their way end as they would have. */
  retire(): void {
    this.checker?.close();
    this.resolver?.close();
    this.cluster.retire();
  }

  close(): void {
    this.checker?.close();
    this.resolver?.close();
    this.cluster.close();
  }
}

const COUNTERS = ["added", "modified", "removed", "updated"] as const;

/** All clusters of the bootstrap file. */
export class ClusterManager {
  /** In the order of the file. */
  readonly clusters = new Map<string, Cluster>();
  private served: readonly Served[];
  private readonly counters: Record<(typeof COUNTERS)[number], StatCounter>;

  /** Throws ConfigError when certificates of clusters are of no use. `keys`: what tells two versions of each apart. */
  constructor(
    configs: readonly ClusterConfig[],
    private readonly store: StatsStore,
    private readonly onBug: OnBug = rethrow,
    keys: readonly string[] = [],
    private readonly openLog?: OpenLog,
  ) {
    const counter = (name: string) => store.counter(`cluster_manager.cluster_${name}`);
    this.counters = Object.fromEntries(COUNTERS.map((name) => [name, counter(name)])) as typeof this.counters;
    store.gauge("cluster_manager.warming_clusters").set(0n);
    this.served = gather(configs, (config) => new Cluster(config, store)).map(
      (cluster, i) => new Served(cluster, keys[i] ?? "", store, onBug, openLog),
    );
    this.counters.added.add(this.served.length);
    this.publish();
  }

  /** Resolves when every name was looked up once, and every host that is to be checked was checked once. */
  async start(): Promise<void> {
    await Promise.all(this.served.map((each) => each.start()));
  }

  get(name: string): Cluster | undefined {
    return this.clusters.get(name);
  }

  /**
   * Gets the clusters of another file ready: those that are as they were stay, with their connections. Throws ConfigError as
   * the constructor does, and then nothing has changed.
   */
  async prepare(configs: readonly ClusterConfig[], keys: readonly string[]): Promise<Change> {
    const known = new Map(this.served.map((each) => [each.name, each]));
    const made: Served[] = [];
    const drop = () => {
      for (const each of made) each.close();
      // They share their gauges with those that stay.
      for (const { name } of made) known.get(name)?.cluster.publishMembers();
    };
    let next: readonly Served[];
    try {
      next = gather([...configs.entries()], ([i, config]) => {
        const key = keys[i] ?? "";
        const old = known.get(config.name);
        if (old?.key === key) return old;
        const served = new Served(new Cluster(config, this.store), key, this.store, this.onBug, this.openLog);
        made.push(served);
        return served;
      });
      await Promise.all(made.map((each) => each.start()));
    } catch (error) {
      drop();
      throw error;
    }
    const names = new Set(next.map(({ name }) => name));
    const removed = this.served.filter(({ name }) => !names.has(name));
    const replaced = made.flatMap(({ name }) => known.get(name) ?? []);
    return {
      names: [...made, ...removed].map(({ name }) => `cluster ${name}`),
      commit: () => {
        this.served = next;
        this.publish();
        for (const old of [...replaced, ...removed]) old.retire();
        this.counters.added.add(made.length - replaced.length);
        this.counters.modified.add(replaced.length);
        this.counters.removed.add(removed.length);
      },
      drop,
    };
  }

  private publish(): void {
    this.clusters.clear();
    for (const { name, cluster } of this.served) this.clusters.set(name, cluster);
    this.store.gauge("cluster_manager.active_clusters").set(BigInt(this.clusters.size));
  }

  close(): void {
    for (const each of this.served) each.close();
  }
}
