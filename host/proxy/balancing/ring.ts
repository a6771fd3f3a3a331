import type { BalancingConfig } from "../../config/model";
import { formatAddress, type Host } from "../clusters/host";
import type { BalancerMaker } from "./balancer";
import { hash64 } from "./hash";

/** What stands for a host where hosts are placed by hashes. */
export function hashKey({ hostname, address, port }: Host, useHostname: boolean): string {
  return useHostname && hostname !== "" ? hostname : formatAddress(address, port);
}

interface Entry {
  hash: bigint;
  host: Host;
}

/**
 * Ketama's ring with Envoy's numbers: every host has places by its weight, so many that the smallest has a whole number of
 * them; a request goes to the first place at or behind its hash.
 */
export const ring: BalancerMaker = (hosts, config, { shares }) => {
  const entries = places(hosts, shares, config);
  return (hash, attempt) => {
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.hash < hash) low = middle + 1;
      else high = middle;
    }
    // Another try takes the places behind.
    return entries[(low + attempt) % entries.length]!.host;
  };
};

function places(
  hosts: readonly Host[],
  shares: readonly number[],
  { minimumRing, maximumRing, useHostname }: BalancingConfig,
): Entry[] {
  const smallest = Math.min(...shares);
  const scale = Math.min(Math.ceil(smallest * minimumRing) / smallest, maximumRing);
  const entries: Entry[] = [];
  // The target runs on from host to host, so that roundings do not add up.
  let target = 0;
  let placed = 0;
  for (const [i, host] of hosts.entries()) {
    target += scale * shares[i]!;
    const key = hashKey(host, useHostname);
    for (let n = 0; placed < target; n++, placed++) entries.push({ hash: hash64(`${key}_${n}`), host });
  }
  return entries.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
}
