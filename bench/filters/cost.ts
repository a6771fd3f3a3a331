import { Client, GET } from "../sdk/client";
import { EnvoyUnderTest } from "../sdk/envoy";
import { median } from "../support/rounds";
import type { Subject } from "./variants";

const ROUNDS = 12;
/** Within a round the smallest of so many short slices, as the machine has other things to do. */
const SLICES = 20;
const REQUESTS = 200;

/**
 * Added CPU in microseconds a request and copy, by subject: a number for each round. `bare` is the request itself, which
 * Envoy answers, or an app at the port `upstream`.
 */
export async function addedCost(
  subjects: readonly Subject[],
  request: string = GET,
  upstream?: number,
): Promise<Map<string, number[]>> {
  const variants = subjects.map(({ name, chain, copies }) => ({
    name,
    chain: Array.from({ length: copies }, () => chain).flat(),
  }));
  const envoy = await EnvoyUnderTest.start([{ name: "bare" }, ...variants], upstream);
  const copies = new Map<string, number>([
    ["bare", 1],
    ...subjects.map((each) => [each.name, each.copies] as const),
  ]);
  const clients = new Map<string, Client>();
  const added = new Map<string, number[]>([...copies.keys()].map((name) => [name, []]));
  try {
    for (const name of copies.keys()) clients.set(name, await Client.open(envoy.ports.get(name)!, request));
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
      for (const [name, count] of copies)
        added.get(name)!.push(name === "bare" ? bare : (least.get(name)! - bare) / count);
    }
  } finally {
    for (const client of clients.values()) client.close();
    await envoy.stop();
  }
  return added;
}

export function microseconds(added: ReadonlyMap<string, number[]>, name: string): string {
  return median(added.get(name)!).toFixed(2);
}

/** One subject's cost as a multiple of another's in the same round: the median over the rounds. */
export function ratioOf(added: ReadonlyMap<string, number[]>, name: string, base: string): number {
  return median(added.get(name)!.map((value, round) => value / added.get(base)![round]!));
}
