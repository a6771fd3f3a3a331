import type { Host } from "../clusters/cluster";
import type { BalancerMaker } from "./balancer";
import { hash64, randomHash } from "./hash";
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
export const maglev: BalancerMaker = (hosts, { tableSize, useHostname }, random) => {
  const table = fill(hosts, tableSize, useHostname);
  const size = BigInt(table.length);
  return (hash) => table[Number((hash ?? randomHash(random)) % size)]!;
};

function fill(hosts: readonly Host[], size: number, useHostname: boolean): Host[] {
  const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
  // The order decides who takes a place first: it goes by what is hashed, not by the file.
  const keys = hosts.map((host) => ({ host, key: hashKey(host, useHostname) }));
  keys.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const builders = keys.map(({ host, key }): Builder => {
    return {
      host,
      offset: Number(hash64(key) % BigInt(size)),
      skip: Number(hash64(key, 1n) % BigInt(size - 1)) + 1,
      weight: host.weight / total,
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
