import type { Host } from "../clusters/host";
import type { BalancerMaker } from "./balancer";
import { areEqual, scheduled } from "./scheduled";

const active = (host: Host) => Number(host.stats.rq_active.value);

/** Two hosts by chance, and of these the one with fewer requests; with unequal weights a schedule by weight per request. */
export const leastRequest: BalancerMaker = (hosts, { choices }, { random, turn }) => {
  if (!areEqual(hosts)) return scheduled(hosts, (host) => host.weight / (active(host) + 1), turn);
  return () => {
    let chosen = hosts[Math.floor(random() * hosts.length)]!;
    for (let i = 1; i < choices; i++) {
      const other = hosts[Math.floor(random() * hosts.length)]!;
      if (active(other) < active(chosen)) chosen = other;
    }
    return chosen;
  };
};
