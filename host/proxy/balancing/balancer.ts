import type { ClusterConfig } from "../../config/model";
import type { Host } from "../clusters/cluster";
import { leastRequest } from "./least-request";
import { maglev } from "./maglev";
import { ring } from "./ring";
import { scheduled } from "./scheduled";

/** What a choice may go by. */
export interface PickContext {
  /** Out of the route's hash policy, 64 bits; undefined = the request has nothing to hash. */
  hash?: bigint | undefined;
  /** A number from 0 to below 1. */
  random(): number;
}

/** Chooses among the hosts it was made for; there is one at least. */
export type Balancer = (context: PickContext) => Host;

/** Makes the balancer of a cluster for the hosts it has now. `start` varies where a cycle begins. */
export type BalancerMaker = (hosts: readonly Host[], config: ClusterConfig, start: number) => Balancer;

const random: BalancerMaker =
  (hosts) =>
  ({ random }) =>
    hosts[Math.floor(random() * hosts.length)]!;

/** In turn; with unequal weights the schedule says whose turn it is. */
const roundRobin: BalancerMaker = (hosts, _, start) => {
  if (new Set(hosts.map(({ weight }) => weight)).size > 1) return scheduled(hosts, ({ weight }) => weight);
  let next = start % hosts.length;
  return () => {
    const host = hosts[next]!;
    next = (next + 1) % hosts.length;
    return host;
  };
};

export const BALANCERS: Readonly<Record<ClusterConfig["balancing"]["policy"], BalancerMaker>> = {
  ROUND_ROBIN: roundRobin,
  LEAST_REQUEST: leastRequest,
  RANDOM: random,
  RING_HASH: ring,
  MAGLEV: maglev,
};
