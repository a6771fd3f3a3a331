import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { seeded } from "../support/odd-paths";
import { ChaosBed } from "./chaos/bed";
import { http1Load, http2Load, type Load } from "./chaos/http-clients";
import { connectLoad, grpcLoad, tcpLoad, webSocketLoad } from "./chaos/other-clients";
import { inTime, type Outcome } from "./chaos/outcome";
import type { Random } from "./chaos/relay";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** A minute, or as long as one has. */
const SECONDS = Number(process.env.CHAOS_SECONDS ?? 60);
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1e9);
/** The load stops in between: what is left then should be the same every time. */
const ROUNDS = 4;
/** Exchanges of a kind at any time. */
const AT_ONCE = 4;
const MIB = 1024 * 1024;

const LOADS: Readonly<Record<string, (bed: ChaosBed, random: Random) => Load>> = {
  http1: (bed, random) => http1Load(bed.port("http"), random),
  http2: (bed, random) => http2Load(bed.port("http"), random),
  grpc: (bed, random) => grpcLoad(bed.port("http"), random),
  webSocket: (bed, random) => webSocketLoad(bed.port("http"), random),
  connect: (bed, random) => connectLoad(bed.port("http"), random),
  tcp: (bed, random) => tcpLoad(bed.port("tcp"), random),
};

type Counts = Record<string, Partial<Record<Outcome, number>>>;

/** Exchanges of one kind until time is up; throws what no proxy may do. */
async function work(kind: string, load: Load, worker: number, until: number, counts: Counts): Promise<void> {
  for (let i = 0; performance.now() < until; i++) {
    const outcome = await inTime(`${kind}`, load.exchange(`${kind}-${worker}-${i};`));
    const row = counts[kind] ?? {};
    counts[kind] = row;
    row[outcome] = (row[outcome] ?? 0) + 1;
  }
}

async function round(bed: ChaosBed, random: Random, seconds: number, counts: Counts): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const loads = Object.entries(LOADS).map(([kind, make]) => [kind, make(bed, random)] as const);
  try {
    await Promise.all(
      loads.flatMap(([kind, load]) =>
        Array.from({ length: AT_ONCE }, (_, worker) => work(kind, load, worker, until, counts)),
      ),
    );
  } finally {
    for (const [, load] of loads) load.close();
    for (const relay of Object.values(bed.relays)) relay.cut();
  }
}

/** What keeps this process alive, by kind. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** What there is more of than there was. */
function moreThan(before: Record<string, number>): string[] {
  return Object.entries(handles()).flatMap(([kind, count]) =>
    count > (before[kind] ?? 0) ? [`${kind}: ${before[kind] ?? 0} -> ${count}`] : [],
  );
}

const sockets = () => (handles().TCPSocketWrap ?? 0) + (handles().TCPConnectWrap ?? 0);

test(
  "mixed load through wires that break: nothing lost, nothing crossed, nothing left",
  async () => {
    console.log(`seed ${SEED}, ${SECONDS} s`);
    const random = seeded(SEED);
    const before = sockets();
    const atFirst = handles();
    const bed = await ChaosBed.start(random);
    const counts: Counts = {};
    const heap: number[] = [];
    try {
      for (let i = 0; i < ROUNDS; i++) {
        await round(bed, random, SECONDS / ROUNDS, counts);
        await expect.poll(() => bed.busy(), { timeout: 20_000 }).toEqual([]);
        await expect.poll(sockets, { timeout: 20_000 }).toBe(before);
        gc();
        heap.push(process.memoryUsage().heapUsed / MIB);
      }
    } finally {
      await bed.stop();
    }
    for (const [kind, row] of Object.entries(counts)) console.log(kind, JSON.stringify(row));
    const broken = Object.values(bed.relays).reduce((sum, relay) => sum + relay.broken, 0);
    console.log(
      `connections broken: ${broken}; heap after each round, MiB: ${heap.map((h) => h.toFixed(1)).join(" ")}`,
    );
    expect(bed.log).toEqual([]);
    const rows = Object.keys(LOADS).map((kind) => ({ kind, whole: 0, refused: 0, cut: 0, ...counts[kind] }));
    expect(rows.filter(({ whole }) => whole === 0)).toEqual([]);
    // It was not all in vain: wires did break, and exchanges with them.
    expect(rows.reduce((sum, { refused, cut }) => sum + refused + cut, 0)).toBeGreaterThan(10);
    expect(broken).toBeGreaterThan(10);
    // The first round has loaded and compiled what is needed.
    expect(heap.at(-1)! - heap[1]!).toBeLessThan(8);
    await expect.poll(() => moreThan(atFirst), { timeout: 20_000 }).toEqual([]);
  },
  SECONDS * 1000 + 120_000,
);
