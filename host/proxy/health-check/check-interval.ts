import type { HealthCheckConfig } from "../../config/model/health-check";
import type { Transition } from "./check-state";

type Intervals = Pick<HealthCheckConfig, "intervals" | "jitterMs" | "jitterPercent">;

/**
 * Milliseconds until the next check.
 *
 * @param healthy how the last check ended
 * @param used the cluster has had a connection; one that has not is asked less often
 * @param random from 0 to below 1
 */
export function checkInterval(
  { intervals, jitterMs, jitterPercent }: Intervals,
  healthy: boolean,
  transition: Transition,
  used: boolean,
  random: () => number,
): number {
  const edge = transition === "pending";
  let base: number;
  if (!used) base = healthy && !edge ? intervals.noTrafficHealthy : intervals.noTraffic;
  else if (healthy) base = edge ? intervals.healthyEdge : intervals.healthy;
  else base = edge ? intervals.unhealthyEdge : intervals.unhealthy;
  const share = Math.floor((jitterPercent * base) / 100);
  const ms = base + Math.floor(random() * share) + Math.floor(random() * jitterMs);
  return Math.max(1, ms);
}
