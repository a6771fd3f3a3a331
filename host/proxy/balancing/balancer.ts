import type { BalancingConfig } from "../../config/model";
import type { Host } from "../clusters/host";
import { leastRequest } from "./least-request";
import { maglev } from "./maglev";
import { ring } from "./ring";
import { needsSchedule, scheduled, warmed } from "./scheduled";

/**
 * Chooses among the hosts it was made for; there is one at least. `hash` has 64 bits, and means something to HASHED policies
 * alone. `attempt` counts the hosts that were chosen for this request and not wanted.
 */
export type Balancer = (hash: bigint, attempt: number) => Host;

/** Where in its order a balancer is; outlives it, so that the hosts at the front gain nothing when a new one takes over. */
export interface Turn {
  next: number;
}

/** What a balancer may need besides its hosts. */
export interface BalancerTools {
  /** From 0 to below 1. */
  random: () => number;
  turn: Turn;
  /** What hashed hosts' places are shared out by; together 1. */
  shares: readonly number[];
}

/** Makes the balancer for some hosts. */
export type BalancerMaker = (
  hosts: readonly Host[],
  config: BalancingConfig,
  tools: BalancerTools,
) => Balancer;

const random: BalancerMaker =
  (hosts, _, { random }) =>
  () =>
    hosts[Math.floor(random() * hosts.length)]!;

/** In turn; with unequal weights the schedule says whose turn it is. */
const roundRobin: BalancerMaker = (hosts, { slowStart }, { turn }) => {
  if (needsSchedule(hosts, slowStart))
    return scheduled(
      hosts,
      warmed(({ weight }) => weight, slowStart),
      turn,
    );
  return () => {
    // The turn of a longer list that is no more may be beyond this one's end.
    if (turn.next >= hosts.length) turn.next %= hosts.length;
    return hosts[turn.next++]!;
  };
};

export const BALANCERS: Readonly<Record<BalancingConfig["policy"], BalancerMaker>> = {
  ROUND_ROBIN: roundRobin,
  LEAST_REQUEST: leastRequest,
  RANDOM: random,
  RING_HASH: ring,
  MAGLEV: maglev,
};

/** Policies that go by a request's hash. */
export const HASHED: ReadonlySet<BalancingConfig["policy"]> = new Set(["RING_HASH", "MAGLEV"]);
