import { cpus, loadavg } from "node:os";
import { ENVOY_VERSION } from "../../host/envoy/index";
import { median } from "../support/rounds";
import { Http1Load } from "./http1-load";
import { Http2Load } from "./http2-load";
import { openSubjects, openUpstream, playRole, type Subject, type Upstream } from "./subjects";
import { TRAFFIC, type Traffic } from "./traffic";

/** The proxy beside others in Node and beside Envoy; every figure is CPU of the proxy's process alone. */

/** As many as the environment says: a machine that is busy takes its time. */
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const WARM_UP = 3;
/** Requests under way at a time. */
const CONCURRENCY = 32;
const BARS: Readonly<Record<string, number>> = { ours: 0.75, "ours + filters": 1 };

/** A subject that answers nothing more for so long has lost a request. */
const STALL_MS = 30_000;

/** False: some request was not answered. */
async function answered(run: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, STALL_MS, false);
  });
  const done = await Promise.race([run.then(() => true), stalled]);
  clearTimeout(timer);
  return done;
}

/** Microseconds a request, by subject, a number for each round; every round runs every subject. */
async function measure(traffic: Traffic, subjects: readonly Subject[]): Promise<Map<string, number[]>> {
  const Load = traffic.http2 ? Http2Load : Http1Load;
  const results = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  const loads = await Promise.all(subjects.map(({ port }) => Load.open(port, traffic, CONCURRENCY)));
  for (let round = -WARM_UP; round < ROUNDS; round++)
    for (const [i, { name, cpu }] of subjects.entries()) {
      const count = round < 0 ? traffic.count * 2 : traffic.count;
      if (!results.has(name)) continue;
      const before = cpu();
      if (!(await answered(loads[i]!.run(count)))) {
        console.log(`  ${name} has lost a request, and is left out`);
        results.delete(name);
      } else if (round >= 0) results.get(name)!.push((cpu() - before) / count / 1000);
    }
  for (const load of loads) load.close();
  return results;
}

/** Quartiles and median of ratios, each of one round. */
function ratios(values: readonly number[], bases: readonly number[]): { middle: number; text: string } {
  const sorted = values.map((value, round) => value / bases[round]!).sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!.toFixed(2);
  return { middle: median(sorted), text: `${at(0.5)} (${at(0.25)} to ${at(0.75)})` };
}

/** What others are measured by: the better one of a peer's settings. */
function baseOf(results: ReadonlyMap<string, number[]>): string {
  const peers = [...results.keys()].filter((name) => /^(fast|http2)-proxy/.test(name));
  const cost = (name: string) => median(results.get(name)!);
  const [first = ""] = peers.length > 0 ? peers : results.keys();
  return peers.reduce((best, name) => (cost(name) < cost(best) ? name : best), first);
}

function print(traffic: Traffic, results: ReadonlyMap<string, number[]>): void {
  const base = baseOf(results);
  console.log(`\n${traffic.title}; load ${loadavg()[0]!.toFixed(1)}`);
  for (const [name, values] of results) {
    const { middle, text } = ratios(values, results.get(base)!);
    const bar = traffic.http2 ? undefined : BARS[name];
    const verdict = bar === undefined ? "" : `   at most ${bar}: ${middle <= bar ? "kept" : "MISSED"}`;
    const times = name === base ? "1" : text;
    console.log(
      `  ${name.padEnd(22)} ${median(values).toFixed(1).padStart(6)} us   x ${base}: ${times}${verdict}`,
    );
  }
}

async function run(traffic: Traffic, upstream: Upstream, names: readonly string[]): Promise<void> {
  const kind = traffic.name === "grpc" ? "grpc" : traffic.http2 ? "http2" : "http1";
  const wanted = (name: string) => names.length === 0 || names.includes(name);
  const subjects = await openSubjects(kind, upstream, wanted);
  try {
    print(traffic, await measure(traffic, subjects));
  } finally {
    for (const subject of subjects) subject.stop();
  }
}

async function main(wanted: readonly string[]): Promise<void> {
  console.log(
    `Envoy ${ENVOY_VERSION}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}; ` +
      `CPU of the proxy a request, median of ${ROUNDS} rounds, ratios of the same round with their quartiles`,
  );
  const upstream = await openUpstream();
  const parts = TRAFFIC.filter(({ name }) => wanted.includes(name));
  const names = wanted.filter((name) => !parts.some((part) => part.name === name));
  for (const traffic of parts.length > 0 ? parts : TRAFFIC) await run(traffic, upstream, names);
  upstream.stop();
}

const [first, ...rest] = process.argv.slice(2);
if (first === "role") await playRole(rest);
else await main(process.argv.slice(2));
