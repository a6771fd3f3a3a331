import type { Host } from "../clusters/host";
import type { BalancerMaker } from "./balancer";
import { needsSchedule, scheduled, warmed } from "./scheduled";

const active = (host: Host) => Number(host.stats.rq_active.value);

/** Two hosts by chance, and of these the one with fewer requests; with unequal weights a schedule by weight per request. */
export const leastRequest: BalancerMaker = (hosts, config, { random, turn }) => {
  const { choices, activeRequestBias: bias, slowStart } = config;
  if (needsSchedule(hosts, slowStart)) {
    const weight = (host: Host) => host.weight / (bias === 1 ? active(host) + 1 : (active(host) + 1) ** bias);
    return scheduled(hosts, warmed(weight, slowStart), turn);
  }
  return () => {
    let chosen = hosts[Math.floor(random() * hosts.length)]!;
    for (let i = 1; i < choices; i++) {
      const other = hosts[Math.floor(random() * hosts.length)]!;
      if (active(other) < active(chosen)) chosen = other;
    }
    return chosen;
  };
};
