import type { SlowStartConfig } from "../../config/model";
import type { Host } from "../clusters/host";
import type { Turn } from "./balancer";
import { isStarting, slowStartFactor } from "./slow-start";

type Weight = (host: Host) => number;

/** Hosts that weigh the same, and are warm, take turns without one. */
export function needsSchedule(hosts: readonly Host[], slowStart: SlowStartConfig | undefined): boolean {
  if (hosts.some(({ weight }) => weight !== hosts[0]!.weight)) return true;
  const now = performance.now();
  return slowStart !== undefined && hosts.some((host) => isStarting(host, slowStart, now));
}

/** A weight that is less while a host is warming up. */
export function warmed(weight: Weight, slowStart: SlowStartConfig | undefined): Weight {
  return slowStart ? (host) => weight(host) * slowStartFactor(host, slowStart, performance.now()) : weight;
}

/**
 * Earliest deadline first, Envoy's scheduler for unequal weights: who was chosen comes again after 1/weight. Of equal
 * deadlines the one that has waited longer is first.
 */
export function scheduled<T>(things: readonly T[], weight: (thing: T) => number, turn: Turn): () => T {
  const entries = things.map((thing, order) => ({ thing, deadline: 1 / weight(thing), order }));
  let turns = things.length;
  const next = () => {
    let first = entries[0]!;
    for (const entry of entries) {
      const sooner = entry.deadline - first.deadline;
      if (sooner < 0 || (sooner === 0 && entry.order < first.order)) first = entry;
    }
    first.deadline += 1 / weight(first.thing);
    first.order = turns++;
    return first.thing;
  };
  // Where the schedule before this one was.
  for (turn.next %= things.length; turns < things.length + turn.next; ) next();
  return () => {
    turn.next++;
    return next();
  };
}
