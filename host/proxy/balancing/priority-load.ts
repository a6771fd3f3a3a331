/** What of a priority's hosts decides how much of the traffic it gets; numbers of hosts, or sums of their weights. */
export interface Availability {
  hosts: number;
  healthy: number;
  degraded: number;
  excluded: number;
}

/** Percent of a cluster's traffic for each priority's healthy and for its degraded hosts; together 100. */
export interface PriorityLoads {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  /** So few hosts are healthy that health is disregarded. */
  readonly panic: readonly boolean[];
}

export interface LoadRules {
  overprovisioningFactor: number;
  panicThreshold: number;
}

/**
 * Shares the traffic among priorities with Envoy's arithmetic, roundings included.
 *
 * @param weighed what health is worked out from
 * @param counted numbers of hosts, which decide about panic whatever `weighed` is; the same by default
 */
export function priorityLoads(
  weighed: readonly Availability[],
  { overprovisioningFactor: factor, panicThreshold }: LoadRules,
  counted: readonly Availability[] = weighed,
): PriorityLoads {
  const share = (of: number, { hosts, excluded }: Availability) =>
    hosts === excluded ? 0 : Math.min(100, Math.floor((factor * of) / (hosts - excluded)));
  const healths = weighed.map((each) => share(each.healthy, each));
  const degradations = weighed.map((each) => share(each.degraded, each));
  const total = Math.min(100, sum(healths) + sum(degradations));
  const panic = counted.map((each) => total < 100 && isInPanic(each, panicThreshold));
  if (panic.every(Boolean)) return { ...panicLoads(counted), panic };
  // Nobody is there and nobody panics: the first priority says so.
  if (total === 0) return { healthy: only(weighed, 0), degraded: only(weighed, -1), panic };
  const healthy = distribute(healths, 100, total);
  const degraded = distribute(degradations, 100 - sum(healthy), total);
  // What roundings left is for the first that can take it.
  const rest = 100 - sum(healthy) - sum(degraded);
  const firstHealthy = healths.findIndex((each) => each > 0);
  if (firstHealthy !== -1) healthy[firstHealthy]! += rest;
  else degraded[degradations.findIndex((each) => each > 0)]! += rest;
  return { healthy, degraded, panic };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);
const only = (list: readonly unknown[], at: number) => list.map((_, i) => (i === at ? 100 : 0));

function isInPanic({ hosts, healthy, degraded, excluded }: Availability, threshold: number): boolean {
  const count = hosts - excluded;
  const percent = count === 0 ? 0 : (100 * healthy) / count + (100 * degraded) / count;
  return percent < threshold;
}

/** As much as possible for the first ones. */
function distribute(shares: readonly number[], load: number, total: number): number[] {
  let left = load;
  return shares.map((share) => {
    const given = Math.min(left, Math.floor((share * 100) / total));
    left -= given;
    return given;
  });
}

/** By numbers of hosts, whatever state they are in. */
function panicLoads(counted: readonly Availability[]): { healthy: number[]; degraded: number[] } {
  const total = sum(counted.map(({ hosts }) => hosts));
  const degraded = only(counted, -1);
  if (total === 0) return { healthy: only(counted, 0), degraded };
  const healthy = counted.map(({ hosts }) => Math.floor((100 * hosts) / total));
  healthy[counted.findIndex(({ hosts }) => hosts > 0)]! += 100 - sum(healthy);
  return { healthy, degraded };
}

/** Which priority a number from 1 to 100 falls to, and which of its hosts. */
export function choosePriority(
  { healthy, degraded }: PriorityLoads,
  number: number,
): { priority: number; of: "healthy" | "degraded" } {
  let left = number;
  for (let priority = 0; priority < healthy.length; priority++) {
    left -= healthy[priority]!;
    if (left <= 0) return { priority, of: "healthy" };
  }
  for (let priority = 0; priority < degraded.length; priority++) {
    left -= degraded[priority]!;
    if (left <= 0) return { priority, of: "degraded" };
  }
  return { priority: 0, of: "healthy" };
}
