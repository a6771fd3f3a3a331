import type { Host } from "../clusters/host";
import type { BalancerMaker } from "./balancer";
import { hash64 } from "./hash";
import { hashKey } from "./ring";

interface Builder {
  host: Host;
  offset: number;
  skip: number;
  weight: number;
  target: number;
  next: number;
}

/** Maglev's table (https://research.google/pubs/pub44824): every host takes free places in an order of its own, by its weight. */
export const maglev: BalancerMaker = (hosts, { tableSize, useHostname }, { shares }) => {
  const table = fill(hosts, shares, tableSize, useHostname);
  const size = BigInt(table.length);
  return (hash, attempt) => {
    // Another try has to lead somewhere else: Envoy turns the hash over.
    const turned = attempt === 0 ? hash : hash ^ (MAX_HASH - BigInt(attempt) + 1n);
    return table[Number(turned % size)]!;
  };
};

const MAX_HASH = (1n << 64n) - 1n;

function fill(hosts: readonly Host[], shares: readonly number[], size: number, useHostname: boolean): Host[] {
  // The order decides who takes a place first: it goes by what is hashed, not by the file.
  const keys = hosts.map((host, i) => ({ host, weight: shares[i]!, key: hashKey(host, useHostname) }));
  keys.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const builders = keys.map(({ host, weight, key }): Builder => {
    return {
      host,
      offset: Number(hash64(key) % BigInt(size)),
      skip: Number(hash64(key, 1n) % BigInt(size - 1)) + 1,
      weight,
      target: 0,
      next: 0,
    };
  });
  const largest = Math.max(...builders.map(({ weight }) => weight));
  const table: (Host | undefined)[] = new Array(size).fill(undefined);
  let filled = 0;
  for (let round = 1; filled < size; round++) {
    for (const builder of builders) {
      if (filled === size) break;
      if (round * builder.weight < builder.target) continue;
      builder.target += largest;
      table[freePlace(builder, table)] = builder.host;
      builder.next++;
      filled++;
    }
  }
  return table as Host[];
}

function freePlace(builder: Builder, table: readonly (Host | undefined)[]): number {
  for (;;) {
    const place = (builder.offset + builder.skip * builder.next) % table.length;
    if (table[place] === undefined) return place;
    builder.next++;
  }
}
