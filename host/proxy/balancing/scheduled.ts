import type { Host } from "../clusters/cluster";
import type { Balancer } from "./balancer";

/**
 * Earliest deadline first, Envoy's scheduler for unequal weights: who was chosen comes again after 1/weight. Of equal
 * deadlines the one that has waited longer is first.
 */
export function scheduled(hosts: readonly Host[], weight: (host: Host) => number): Balancer {
  const entries = hosts.map((host, order) => ({ host, deadline: 1 / weight(host), order }));
  let turns = hosts.length;
  return () => {
    let first = entries[0]!;
    for (const entry of entries) {
      const sooner = entry.deadline - first.deadline;
      if (sooner < 0 || (sooner === 0 && entry.order < first.order)) first = entry;
    }
    first.deadline += 1 / weight(first.host);
    first.order = turns++;
    return first.host;
  };
}
