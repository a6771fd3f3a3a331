import type { Host } from "../clusters/host";
import type { Turn } from "./balancer";

/** Whether all hosts weigh the same: then they need no schedule. */
export function areEqual(hosts: readonly Host[]): boolean {
  return hosts.every(({ weight }) => weight === hosts[0]!.weight);
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
