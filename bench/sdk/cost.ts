import { median } from "../support/rounds";
import { Client, GET } from "./client";
import { EnvoyUnderTest, type Variant } from "./envoy";

/** Copies of a filter in one chain: they lift its cost over the noise of a request. */
const COPIES = 8;
const ROUNDS = 12;
/** Within a round the smallest of so many short slices, as the machine has other things to do. */
const SLICES = 25;
const REQUESTS = 200;

/** Added CPU in microseconds a request and filter, by variant, a number for each round. */
export async function addedCost(modules: readonly Variant[]): Promise<Map<string, number[]>> {
  const variants = [{ name: "bare" }, ...modules.map((each) => ({ ...each, copies: COPIES }))];
  const envoy = await EnvoyUnderTest.start(variants);
  const clients = new Map<string, Client>();
  const added = new Map<string, number[]>([
    ["bare", []],
    ...modules.map(({ name }) => [name, []] as [string, number[]]),
  ]);
  try {
    for (const { name } of variants) clients.set(name, await Client.open(envoy.ports.get(name)!, GET));
    for (const client of clients.values()) await client.run(3000);
    for (let round = 0; round < ROUNDS; round++) {
      const least = new Map<string, number>();
      for (let slice = 0; slice < SLICES; slice++)
        for (const [name, client] of clients) {
          const before = envoy.cpu();
          await client.run(REQUESTS);
          const each = (envoy.cpu() - before) / REQUESTS / 1000;
          least.set(name, Math.min(least.get(name) ?? Number.POSITIVE_INFINITY, each));
        }
      const bare = least.get("bare")!;
      added.get("bare")!.push(bare);
      for (const { name } of modules) added.get(name)!.push((least.get(name)! - bare) / COPIES);
    }
  } finally {
    for (const client of clients.values()) client.close();
    await envoy.stop();
  }
  return added;
}

export function ratioOf(added: ReadonlyMap<string, number[]>, name: string, base: string): number {
  return median(added.get(name)!.map((value, round) => value / added.get(base)![round]!));
}
