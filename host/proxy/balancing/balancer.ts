import type { BalancingConfig } from "../../config/model";
import type { Host } from "../clusters/cluster";
import { leastRequest } from "./least-request";
import { maglev } from "./maglev";
import { ring } from "./ring";
import { scheduled } from "./scheduled";

/**
 * Chooses among the hosts it was made for; there is one at least. `hash` is what the route's hash policy made of the request,
 * 64 bits; undefined = there is nothing to hash.
 */
export type Balancer = (hash: bigint | undefined) => Host;

/** Makes the balancer of a cluster for the hosts it has now. @param random from 0 to below 1 */
export type BalancerMaker = (
  hosts: readonly Host[],
  config: BalancingConfig,
  random: () => number,
) => Balancer;

const random: BalancerMaker = (hosts, _, random) => () => hosts[Math.floor(random() * hosts.length)]!;

/** In turn; with unequal weights the schedule says whose turn it is. */
const roundRobin: BalancerMaker = (hosts) => {
  if (new Set(hosts.map(({ weight }) => weight)).size > 1) return scheduled(hosts, ({ weight }) => weight);
  let next = 0;
  return () => {
    const host = hosts[next]!;
    next = (next + 1) % hosts.length;
    return host;
  };
};

export const BALANCERS: Readonly<Record<BalancingConfig["policy"], BalancerMaker>> = {
  ROUND_ROBIN: roundRobin,
  LEAST_REQUEST: leastRequest,
  RANDOM: random,
  RING_HASH: ring,
  MAGLEV: maglev,
};
