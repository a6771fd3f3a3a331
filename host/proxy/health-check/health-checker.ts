import type { HealthCheckConfig } from "../../config/model/health-check";
import type { LogFile } from "../access-log/log-file";
import type { Cluster } from "../clusters/cluster";
import type { Host } from "../clusters/host";
import { HealthFlag } from "../clusters/host-health";
import type { OnBug } from "../contain";
import type { StatsStore } from "../stats/store";
import { CheckEvents } from "./check-events";
import { CheckSession, type SessionDeps } from "./check-session";
import type { Transition } from "./check-state";
import { HealthCheckStats } from "./health-check-stats";
import { quietCluster } from "./probe";

/** The active health checks of one cluster's hosts. */
export class HealthChecker {
  private readonly sessions = new Map<Host, CheckSession>();
  private readonly deps: SessionDeps;
  private started = false;
  private onInitialized: (() => void) | undefined;

  /** @param openLog opens the files of its events; undefined = there are none */
  constructor(
    check: HealthCheckConfig,
    cluster: Cluster,
    store: StatsStore,
    onBug: OnBug,
    openLog?: (path: string) => LogFile,
  ) {
    const { statName, name } = cluster.config;
    this.deps = {
      check,
      cluster,
      quiet: quietCluster(cluster.config),
      stats: new HealthCheckStats(store, `cluster.${statName}.`),
      events: openLog && check.events.files.length > 0 ? new CheckEvents(check, name, openLog) : undefined,
      onBug,
      onChecked: (host, healthy, transition) => this.onChecked(host, healthy, transition),
    };
    cluster.members.onMembers((added, removed) => {
      for (const host of added) this.add(host);
      for (const host of removed) this.remove(host);
      this.checkInitialized();
    });
  }

  private add(host: Host): void {
    if (host.endpoint.check.disabled) return;
    const { hostHealth } = this.deps.cluster.config;
    // Nobody gets a request before it has passed a check.
    host.setFlag(HealthFlag.FailedActiveHc, true);
    if (this.started && hostHealth.ignoreNewHosts) host.setFlag(HealthFlag.PendingActiveHc, true);
    const session = new CheckSession(this.deps, host);
    this.sessions.set(host, session);
    if (this.started) session.start();
  }

  private remove(host: Host): void {
    this.sessions.get(host)?.close();
    this.sessions.delete(host);
  }

  /** Begins; resolves when every host was checked once. */
  start(): Promise<void> {
    this.started = true;
    const initialized = new Promise<void>((resolve) => {
      this.onInitialized = resolve;
    });
    for (const session of this.sessions.values()) session.start();
    this.checkInitialized();
    return initialized;
  }

  private checkInitialized(): void {
    if (!this.onInitialized) return;
    for (const { first } of this.sessions.values()) if (first) return;
    this.onInitialized();
    this.onInitialized = undefined;
  }

  private onChecked(host: Host, healthy: boolean, transition: Transition): void {
    const { cluster } = this.deps;
    const failed = host.has(HealthFlag.FailedActiveHc);
    if (healthy && !failed) cluster.outlier?.onHealthy(host);
    if (transition === "changed" && failed) host.onFailure();
    this.checkInitialized();
  }

  close(): void {
    this.onInitialized?.();
    for (const session of this.sessions.values()) session.close();
  }
}
