import type { EjectionKind, OutlierConfig } from "../../config/model/outlier";
import { HostMonitor } from "./host-monitor";
import type { OutlierStats } from "./outlier-stats";
import { rateThreshold, type SuccessRate } from "./success-rate";

/** One host as the detector knows it. */
interface Suspect<H> {
  readonly host: H;
  readonly monitor: HostMonitor;
  readonly ejection: Absence;
  /** As a degraded host it gets requests where there is no better one. */
  readonly degradation: Absence;
}

/** A time that a host is out, or stands behind the others. */
interface Absence {
  on: boolean;
  /** When it began, when the last one ended; milliseconds. */
  since: number;
  endedAt: number | undefined;
  jitterMs: number;
  /** How many base times it lasts. */
  backoff: number;
}

const absence = (): Absence => ({ on: false, since: 0, endedAt: undefined, jitterMs: 0, backoff: 0 });

export interface DetectorDeps<H> {
  /** Whether the host is to be left out from now on. */
  onChange(host: H, ejected: boolean): void;
  /** Whether it counts as degraded. */
  onDegraded(host: H, degraded: boolean): void;
  /** Monotonic, milliseconds. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
}

/** Finds the hosts of one cluster that misbehave and leaves them out for a while, as Envoy does. */
export class OutlierDetector<H> {
  private readonly suspects = new Map<H, Suspect<H>>();
  private active = 0;

  constructor(
    readonly config: OutlierConfig,
    private readonly stats: OutlierStats,
    private readonly deps: DetectorDeps<H>,
  ) {}

  add(host: H): HostMonitor {
    const monitor = new HostMonitor(
      this.config,
      (kind) => this.onTooMany(suspect, kind),
      () => this.onDegraded(suspect),
    );
    const suspect: Suspect<H> = { host, monitor, ejection: absence(), degradation: absence() };
    this.suspects.set(host, suspect);
    return monitor;
  }

  remove(host: H): void {
    const suspect = this.suspects.get(host);
    if (!suspect) return;
    this.suspects.delete(host);
    if (suspect.ejection.on) this.countActive(-1);
  }

  isEjected(host: H): boolean {
    return this.suspects.get(host)?.ejection.on ?? false;
  }

  /** A host that a health check has found well. */
  restore(host: H): void {
    const suspect = this.suspects.get(host);
    if (suspect?.ejection.on) this.uneject(suspect);
  }

  /** Every `interval`: hosts whose time is over come back, and the rates of the interval are judged. */
  sweep(): void {
    const now = this.deps.now();
    for (const suspect of this.suspects.values()) {
      const { ejection, degradation } = suspect;
      if (this.isOver(ejection, now)) this.uneject(suspect);
      if (this.isOver(degradation, now)) {
        this.end(degradation);
        this.deps.onDegraded(suspect.host, false);
      }
      suspect.monitor.external.turn();
      suspect.monitor.local.turn();
    }
    this.judgeRates((monitor) => monitor.external, "success_rate", "failure_percentage");
    this.judgeRates(
      (monitor) => monitor.local,
      "local_origin_success_rate",
      "local_origin_failure_percentage",
    );
    for (const { ejection, degradation } of this.suspects.values()) {
      for (const each of [ejection, degradation]) {
        const calm = !each.on && each.endedAt !== undefined && now - each.endedAt >= this.config.intervalMs;
        if (calm && each.backoff > 0) each.backoff--;
      }
    }
  }

  private isOver({ on, since, backoff, jitterMs }: Absence, now: number): boolean {
    const { baseEjectionMs, maxEjectionMs } = this.config;
    return on && now - since >= Math.min(baseEjectionMs * backoff, maxEjectionMs) + jitterMs;
  }

  private begin(absence: Absence): void {
    const { config, deps } = this;
    absence.on = true;
    absence.since = deps.now();
    absence.jitterMs = Math.floor(deps.random() * (config.maxEjectionJitterMs + 1));
    if (absence.backoff * config.baseEjectionMs < config.maxEjectionMs + config.baseEjectionMs)
      absence.backoff++;
  }

  private end(absence: Absence): void {
    absence.on = false;
    absence.endedAt = this.deps.now();
  }

  /** There is no limit to how many hosts are degraded. */
  private onDegraded(suspect: Suspect<H>): void {
    if (suspect.degradation.on || this.suspects.get(suspect.host) !== suspect) return;
    this.stats.degradation.inc();
    this.begin(suspect.degradation);
    this.deps.onDegraded(suspect.host, true);
  }

  private onTooMany(suspect: Suspect<H>, kind: EjectionKind): void {
    if (suspect.ejection.on || this.suspects.get(suspect.host) !== suspect) return;
    this.stats.detected[kind].inc();
    this.eject(suspect, kind);
    if (kind === "consecutive_5xx") this.stats.consecutive5xx.inc();
    suspect.monitor.reset(kind);
  }

  private judgeRates(
    of: (monitor: HostMonitor) => SuccessRate,
    low: EjectionKind,
    failing: EjectionKind,
  ): void {
    const { successRate, failurePercentage } = this.config;
    const { size } = this.suspects;
    if (size < successRate.minimumHosts && size < failurePercentage.minimumHosts) return;
    const compared: { suspect: Suspect<H>; rate: number }[] = [];
    const measured: { suspect: Suspect<H>; rate: number }[] = [];
    for (const suspect of this.suspects.values()) {
      const { rate, volume } = of(suspect.monitor);
      if (suspect.ejection.on || rate === undefined) continue;
      if (volume >= Math.min(successRate.requestVolume, failurePercentage.requestVolume))
        of(suspect.monitor).shown = rate;
      if (volume >= successRate.requestVolume) compared.push({ suspect, rate });
      if (volume >= failurePercentage.requestVolume) measured.push({ suspect, rate });
    }
    if (compared.length > 0 && compared.length >= successRate.minimumHosts) {
      const rates = compared.map(({ rate }) => rate);
      const threshold = rateThreshold(rates, successRate.stdevFactor);
      for (const { suspect, rate } of compared) {
        if (rate >= threshold) continue;
        this.stats.successRate.inc();
        this.stats.detected[low].inc();
        this.eject(suspect, low);
      }
    }
    if (measured.length === 0 || measured.length < failurePercentage.minimumHosts) return;
    for (const { suspect, rate } of measured) {
      if (100 - rate < failurePercentage.threshold) continue;
      this.stats.detected[failing].inc();
      this.eject(suspect, failing);
    }
  }

  /** Ejects a host that was found out, unless too many are out already or the dice say no. */
  private eject(suspect: Suspect<H>, kind: EjectionKind): void {
    const { config, stats, deps } = this;
    const percent = (100 * (this.active + 1)) / this.suspects.size;
    const allowed = percent <= config.maxEjectionPercent || (config.alwaysEjectOneHost && this.active === 0);
    if (!allowed) {
      stats.overflow.inc();
      return;
    }
    if (kind === "consecutive_5xx" || kind === "success_rate") stats.total.inc();
    if (deps.random() * 100 >= config.enforcing[kind]) return;
    // Its success rate has cost it its place a moment ago; Envoy counts such a host as two from then on.
    if (suspect.ejection.on) return;
    stats.enforcedTotal.inc();
    stats.enforced[kind].inc();
    this.countActive(1);
    this.begin(suspect.ejection);
    deps.onChange(suspect.host, true);
  }

  private uneject(suspect: Suspect<H>): void {
    this.countActive(-1);
    this.end(suspect.ejection);
    // Few new failures shall not do to eject it again.
    suspect.monitor.reset();
    this.deps.onChange(suspect.host, false);
  }

  private countActive(n: number): void {
    this.active += n;
    this.stats.active.add(n);
  }

  /** Nothing is judged any more; what takes its place counts on with the same gauge. */
  close(): void {
    this.suspects.clear();
    this.countActive(-this.active);
  }
}
