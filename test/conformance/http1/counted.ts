import type { ProxyUnderTest } from "../../support/describe-engines";

/** Of bytes, and of connections: who closes first is chance. */
const CHANCE = /bytes|active|_cx_(total|http1_total|destroy|length|delayed)/;

/** What something comes to, and the counters that it moves, of those whose names match. */
export async function counted<T extends object>(
  proxy: ProxyUnderTest,
  names: string,
  run: () => Promise<T>,
): Promise<T & { moved: [string, number][] }> {
  const read = async () => {
    const text = await proxy.admin(`/stats?filter=${encodeURIComponent(names)}`);
    const entries = text.split("\n").map((entry) => entry.split(": ") as [string, string]);
    const counters = entries.filter(([name, value]) => /^\d+$/.test(value ?? "") && !CHANCE.test(name));
    return new Map(counters.map(([name, value]) => [name, Number(value)]));
  };
  const before = await read();
  const outcome = await run();
  const moved = [...(await read())].map(([name, value]): [string, number] => [
    name,
    value - (before.get(name) ?? 0),
  ]);
  return { ...outcome, moved: moved.filter(([, by]) => by !== 0).sort() };
}
