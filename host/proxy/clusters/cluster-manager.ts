import type { ClusterConfig } from "../../config/model";
import type { OnBug } from "../contain";
import { HealthChecker } from "../health-check/health-checker";
import type { StatsStore } from "../stats/store";
import { gather } from "../tls/gather";
import { Cluster } from "./cluster";
import { Resolver } from "./resolver";

const rethrow: OnBug = (error) => {
  throw error;
};

/** All clusters of the bootstrap file. */
export class ClusterManager {
  readonly clusters = new Map<string, Cluster>();
  private readonly resolvers: Resolver[] = [];
  private readonly checkers: HealthChecker[] = [];

  /** Throws ConfigError when certificates of clusters are of no use. */
  constructor(configs: readonly ClusterConfig[], store: StatsStore, onBug: OnBug = rethrow) {
    for (const cluster of gather(configs, (config) => new Cluster(config, store))) {
      const { config } = cluster;
      this.clusters.set(config.name, cluster);
      if (config.healthCheck)
        this.checkers.push(new HealthChecker(config.healthCheck, cluster, store, onBug));
      if (config.type === "STATIC") {
        cluster.update(
          config.endpoints.map((endpoint) => ({ address: endpoint.address, port: endpoint.port, endpoint })),
        );
      } else this.resolvers.push(new Resolver(cluster));
    }
    const total = store.gauge("cluster_manager.active_clusters");
    total.set(BigInt(this.clusters.size));
    store.gauge("cluster_manager.warming_clusters").set(0n);
    store.counter("cluster_manager.cluster_added").add(this.clusters.size);
    store.counter("cluster_manager.cluster_modified");
    store.counter("cluster_manager.cluster_removed");
    store.counter("cluster_manager.cluster_updated");
  }

  /** Resolves when every name was looked up once, and every host that is to be checked was checked once. */
  async start(): Promise<void> {
    await Promise.all(this.resolvers.map((r) => r.start()));
    await Promise.all(this.checkers.map((checker) => checker.start()));
  }

  get(name: string): Cluster | undefined {
    return this.clusters.get(name);
  }

  close(): void {
    for (const checker of this.checkers) checker.close();
    for (const resolver of this.resolvers) resolver.close();
    for (const cluster of this.clusters.values()) cluster.close();
  }
}
