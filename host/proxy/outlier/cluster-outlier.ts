import type { OutlierConfig } from "../../config/model/outlier";
import type { Host } from "../clusters/host";
import { HealthFlag } from "../clusters/host-health";
import type { HostSets } from "../clusters/host-sets";
import type { StatsStore } from "../stats/store";
import { OutlierDetector } from "./detector";
import { OutlierStats } from "./outlier-stats";

/** Outlier detection among the hosts of one cluster, whichever they are. */
export class ClusterOutlier {
  private readonly detector: OutlierDetector<Host>;
  private readonly timer: NodeJS.Timeout;

  /** @param prefix `cluster.X.` */
  constructor(config: OutlierConfig, members: HostSets, store: StatsStore, prefix: string) {
    this.detector = new OutlierDetector(config, new OutlierStats(store, prefix), {
      onChange(host, ejected) {
        host.setFlag(HealthFlag.FailedOutlierCheck, ejected);
        if (ejected) host.onFailure();
      },
      onDegraded: (host, degraded) => host.setFlag(HealthFlag.DegradedOutlierDetection, degraded),
      now: () => performance.now(),
      random: Math.random,
    });
    members.onMembers((added, removed) => {
      for (const host of added) host.outlier = this.detector.add(host);
      for (const host of removed) {
        this.detector.remove(host);
        host.outlier = undefined;
      }
    });
    this.timer = setInterval(() => this.detector.sweep(), Math.max(1, config.intervalMs));
  }

  /** An active health check has found the host well. */
  onHealthy(host: Host): void {
    if (this.detector.config.healthCheckUnejects) this.detector.restore(host);
  }

  close(): void {
    clearInterval(this.timer);
    this.detector.close();
  }
}
