import type { BalancingConfig } from "../../config/model";
import { formatAddress, type Host } from "../clusters/cluster";
import type { BalancerMaker } from "./balancer";
import { hash64, randomHash } from "./hash";

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
export const ring: BalancerMaker = (hosts, config, random) => {
  const entries = places(hosts, config);
  return (hash) => {
    const wanted = hash ?? randomHash(random);
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.hash < wanted) low = middle + 1;
      else high = middle;
    }
    return entries[low % entries.length]!.host;
  };
};

function places(hosts: readonly Host[], { minimumRing, maximumRing, useHostname }: BalancingConfig): Entry[] {
  const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
  const smallest = Math.min(...hosts.map(({ weight }) => weight / total));
  const scale = Math.min(Math.ceil(smallest * minimumRing) / smallest, maximumRing);
  const entries: Entry[] = [];
  // The target runs on from host to host, so that roundings do not add up.
  let target = 0;
  let placed = 0;
  for (const host of hosts) {
    target += (scale * host.weight) / total;
    const key = hashKey(host, useHostname);
    for (let i = 0; placed < target; i++, placed++) entries.push({ hash: hash64(`${key}_${i}`), host });
  }
  return entries.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
}
