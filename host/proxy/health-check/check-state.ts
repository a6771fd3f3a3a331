import type { HealthCheckConfig } from "../../config/model/health-check";
import { HealthFlag } from "../clusters/host-health";

/** Why a check failed: by what the host said, by what the network did, by taking too long, by what a request met with. */
export type CheckFailure = "active" | "network" | "timeout" | "passive";

/** What a result means to the host: nothing, something once more of them come, or that it counts differently from now on. */
export type Transition = "unchanged" | "pending" | "changed";

/** The health of a host as checks see it and set it. */
export interface Checked {
  has(flag: HealthFlag): boolean;
  setFlag(flag: HealthFlag, on: boolean): void;
}

const { FailedActiveHc, DegradedActiveHc, PendingActiveHc, ExcludedViaImmediateHcFail, ActiveHcTimeout } =
  HealthFlag;

/** Turns the results of one host's checks into its health. */
export class CheckState {
  private good = 0;
  private bad = 0;
  /** Nothing is known of the host yet. */
  first = true;

  constructor(
    private readonly host: Checked,
    private readonly limits: Pick<HealthCheckConfig, "healthyThreshold" | "unhealthyThreshold">,
  ) {}

  succeed(degraded: boolean): Transition {
    const { host } = this;
    this.bad = 0;
    let transition: Transition = "unchanged";
    if (host.has(FailedActiveHc)) {
      // The first check ever is enough, so that a proxy is soon up.
      if (this.first || ++this.good === this.limits.healthyThreshold) {
        host.setFlag(ActiveHcTimeout, false);
        host.setFlag(ExcludedViaImmediateHcFail, false);
        host.setFlag(FailedActiveHc, false);
        transition = "changed";
      } else transition = "pending";
    }
    transition = this.settle(transition);
    if (degraded !== host.has(DegradedActiveHc)) {
      host.setFlag(DegradedActiveHc, degraded);
      if (transition === "unchanged") transition = "changed";
    }
    this.first = false;
    return transition;
  }

  /** @param retriable the host has answered, and may do so a few times more before it is given up */
  fail(failure: CheckFailure, retriable = false): Transition {
    const { host } = this;
    this.good = 0;
    let transition: Transition = "unchanged";
    if (!host.has(FailedActiveHc)) {
      const network = failure === "network" || failure === "timeout";
      if ((!network && !retriable) || ++this.bad === this.limits.unhealthyThreshold) {
        host.setFlag(FailedActiveHc, true);
        transition = "changed";
      } else transition = "pending";
    }
    host.setFlag(ActiveHcTimeout, failure === "timeout" && host.has(FailedActiveHc));
    transition = this.settle(transition);
    this.first = false;
    return transition;
  }

  /** A host that waited for its first check counts from now on, one way or the other. */
  private settle(transition: Transition): Transition {
    if (!this.host.has(PendingActiveHc)) return transition;
    this.host.setFlag(PendingActiveHc, false);
    return "changed";
  }
}
