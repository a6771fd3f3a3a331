import type { HealthCheckConfig } from "../../config/model/health-check";
import type { Host } from "../clusters/host";
import { HealthFlag } from "../clusters/host-health";
import { contained, type OnBug } from "../contain";
import type { CheckEvents } from "./check-events";
import { checkInterval } from "./check-interval";
import { type CheckFailure, CheckState, type Transition } from "./check-state";
import { GrpcProbe } from "./grpc-probe";
import type { HealthCheckStats } from "./health-check-stats";
import { HttpProbe } from "./http-probe";
import type { Probe, ProbeResult, ProbeSetup } from "./probe";
import { TcpProbe } from "./tcp-probe";

/** What a session shares with those of the cluster's other hosts. */
export interface SessionDeps
  extends Omit<ProbeSetup<HealthCheckConfig["probe"]>, "config" | "host" | "onResult"> {
  readonly stats: HealthCheckStats;
  readonly events: CheckEvents | undefined;
  readonly onBug: OnBug;
  /** A check is over, whatever made it so, and the host's flags are set. */
  onChecked(host: Host, healthy: boolean, transition: Transition): void;
}

function probeOf(deps: SessionDeps, host: Host, onResult: (result: ProbeResult) => void): Probe {
  const { probe } = deps.check;
  const setup = { ...deps, host, onResult };
  if (probe.kind === "http") return new HttpProbe({ ...setup, config: probe });
  if (probe.kind === "grpc") return new GrpcProbe({ ...setup, config: probe });
  return new TcpProbe({ ...setup, config: probe });
}

/** The checks of one host, one after the other for as long as it is there. */
export class CheckSession {
  private readonly state: CheckState;
  private readonly probe: Probe;
  /** Until the next check, or until the running one has taken too long. */
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly deps: SessionDeps,
    readonly host: Host,
  ) {
    this.state = new CheckState(host, deps.check);
    this.probe = probeOf(deps, host, (result) => this.onResult(result));
    if (!host.has(HealthFlag.FailedActiveHc)) deps.stats.healthy.add(1);
    if (host.has(HealthFlag.DegradedActiveHc)) deps.stats.degraded.add(1);
    host.checks = this;
  }

  /** Nothing has been found out yet. */
  get first(): boolean {
    return this.state.first;
  }

  start(): void {
    const { initialJitterMs } = this.deps.check;
    if (initialJitterMs === 0) this.check();
    else this.wait(Math.max(1, Math.floor(Math.random() * initialJitterMs)), () => this.check());
  }

  private wait(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(contained(then, this.deps.onBug), ms);
  }

  private check(): void {
    const { stats, check } = this.deps;
    this.wait(check.timeoutMs, () => this.onTimeout());
    stats.attempt.inc();
    this.probe.start();
  }

  private onTimeout(): void {
    this.probe.abort();
    this.next(false, this.fail("timeout"));
  }

  private onResult(result: ProbeResult): void {
    if (this.closed) return;
    if (result.healthy) {
      this.next(true, this.succeed(result.degraded));
      return;
    }
    if (result.excluded) this.host.setFlag(HealthFlag.ExcludedViaImmediateHcFail, true);
    this.next(false, this.fail(result.failure, result));
  }

  private succeed(degraded: boolean): Transition {
    const { host, state, deps } = this;
    const { first } = state;
    const before = host.flags;
    const transition = state.succeed(degraded);
    const recovered = (before & HealthFlag.FailedActiveHc) !== 0 && !host.has(HealthFlag.FailedActiveHc);
    if (recovered) deps.stats.healthy.add(1);
    // Envoy never takes it off again while the host is there.
    if (degraded && (before & HealthFlag.DegradedActiveHc) === 0) deps.stats.degraded.add(1);
    deps.stats.success.inc();
    deps.events?.succeeded(host, { first, before });
    deps.onChecked(host, true, transition);
    return transition;
  }

  private fail(
    failure: CheckFailure,
    found?: { retriable: boolean; status?: number | undefined },
  ): Transition {
    const { host, state, deps } = this;
    const { stats } = deps;
    const { first } = state;
    const wasHealthy = !host.has(HealthFlag.FailedActiveHc);
    const transition = state.fail(failure, found?.retriable);
    const ejected = wasHealthy && host.has(HealthFlag.FailedActiveHc);
    if (ejected) stats.healthy.add(-1);
    stats.failure.inc();
    if (failure === "network" || failure === "timeout") stats.networkFailure.inc();
    if (failure === "passive") stats.passiveFailure.inc();
    deps.events?.failed(host, failure, { first, ejected, status: found?.status ?? 0 });
    deps.onChecked(host, false, transition);
    return transition;
  }

  private next(healthy: boolean, transition: Transition): void {
    if (this.closed) return;
    const { cluster, check } = this.deps;
    const used = cluster.stats.upstream_cx_total.used;
    this.wait(checkInterval(check, healthy, transition, used, Math.random), () => this.check());
  }

  /** A response has said that the host wants no more requests: no need to wait for the next check. */
  failAtOnce(): void {
    if (this.closed) return;
    this.host.setFlag(HealthFlag.ExcludedViaImmediateHcFail, true);
    this.fail("passive");
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { host, deps } = this;
    clearTimeout(this.timer);
    this.probe.close();
    host.checks = undefined;
    if (!host.has(HealthFlag.FailedActiveHc)) deps.stats.healthy.add(-1);
    if (host.has(HealthFlag.DegradedActiveHc)) deps.stats.degraded.add(-1);
  }
}
