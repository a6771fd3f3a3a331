import type { StatCounter, StatGauge, StatsStore } from "../stats/store";

/** `cluster.X.health_check.*`, there from the start. */
export class HealthCheckStats {
  readonly attempt: StatCounter;
  readonly success: StatCounter;
  readonly failure: StatCounter;
  readonly passiveFailure: StatCounter;
  readonly networkFailure: StatCounter;
  readonly verifyCluster: StatCounter;
  readonly healthy: StatGauge;
  readonly degraded: StatGauge;

  /** @param prefix `cluster.X.` */
  constructor(store: StatsStore, prefix: string) {
    const name = (stat: string) => `${prefix}health_check.${stat}`;
    this.attempt = store.counter(name("attempt"));
    this.success = store.counter(name("success"));
    this.failure = store.counter(name("failure"));
    this.passiveFailure = store.counter(name("passive_failure"));
    this.networkFailure = store.counter(name("network_failure"));
    this.verifyCluster = store.counter(name("verify_cluster"));
    this.healthy = store.gauge(name("healthy"));
    this.degraded = store.gauge(name("degraded"));
  }
}
