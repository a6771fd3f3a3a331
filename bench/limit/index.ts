import { Session } from "node:inspector";
import { cpus } from "node:os";
import { Script } from "node:vm";
import { Edits } from "../../host/vm/edits";
import { inspectModule } from "../../host/vm/inspect";
import { addLoopChecks } from "../../host/vm/loop-checks";
import { TimeLimit } from "../../host/vm/time-limit";
import { compile } from "../../test/support/compile";
import { measure, median, ratio, type Subject } from "../support/rounds";

// What ending a callback that never comes back costs those that do, by three ways to do it.

const options = ["--runtime", "minimal", "--exportRuntime", "--optimizeLevel", "3", "--use", "abort="];
const plain = new Uint8Array(await compile("bench/guests/compute.ts", options));
const edits = new Edits();
const began = performance.now();
addLoopChecks(plain, inspectModule(plain), edits);
const checked = edits.apply(plain);
const pass = performance.now() - began;

type Fn = (count?: number) => number | undefined;
const instance = (wasm: Uint8Array) =>
  new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { abort() {} } }).exports;
const free = instance(plain) as Record<string, Fn>;
const watched = instance(checked) as Record<string, Fn>;
const limit = new TimeLimit(1e9);
limit.watch(watched);

const shared = globalThis as { limited?: () => unknown };
const script = new Script("limited()");
const session = new Session();
session.connect();

/** Ways to run a function for at most `ms` milliseconds. */
const ways: Record<string, (ms: number, run: () => unknown) => void> = {
  "timeout of node:vm": (ms, run) => {
    shared.limited = run;
    script.runInThisContext({ timeout: ms });
  },
  "Runtime.evaluate": (ms, run) => {
    shared.limited = run;
    // Ended or not: the answer is not looked at.
    session.post("Runtime.evaluate", { expression: "limited()", silent: true, timeout: ms }, () => {});
  },
};

const call = (name: string, run: () => void): Subject => ({
  name,
  run(count) {
    for (let i = 0; i < count; i++) run();
  },
});
const calls: Subject[] = [
  call("none", () => free.empty!()),
  call("checks in loops", () => {
    limit.begin();
    watched.empty!();
  }),
  ...Object.entries(ways).map(([name, way]) => call(name, () => way(10_000, free.empty!))),
];
const callNs = measure(calls, { rounds: 9, slices: 100, size: 20 });

const work: Record<string, number> = { turns: 10_000, hash: 4, fibonacci: 17, json: 20 };
const loops = measure(
  Object.entries(work).flatMap(([name, count]) => [
    call(`${name} free`, () => free[name]!(count)),
    call(`${name} checked`, () => {
      limit.begin();
      watched[name]!(count);
    }),
  ]),
  { rounds: 15, slices: 200, size: 5 },
);

/** How long after its limit an endless loop is ended, milliseconds. */
function lateness(run: () => void, ms: number): number[] {
  return Array.from({ length: 11 }, () => {
    const start = performance.now();
    try {
      run();
    } catch {}
    return performance.now() - start - ms;
  });
}
const short = new TimeLimit(50);
short.watch(watched);
const late = new Map([
  [
    "checks in loops",
    lateness(() => {
      short.begin();
      watched.spin!();
    }, 50),
  ],
  ...Object.entries(ways).map(([name, way]): [string, number[]] => [
    name,
    lateness(() => way(50, free.spin!), 50),
  ]),
]);

const ns = (name: string) => median(callNs.get(name)!);
console.log(`Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}\n`);
console.log(
  "way                    ns per empty call   an endless loop of 50 ms ends late by (median, most), ms",
);
for (const { name } of calls) {
  const times = late.get(name);
  const text = times ? `${median(times).toFixed(1)}, ${Math.max(...times).toFixed(1)}` : "never";
  console.log(`${name.padEnd(20)} ${ns(name).toFixed(0).padStart(19)}   ${text}`);
}
console.log(
  `\nchecks: ${pass.toFixed(1)} ms to put them in (first time), ${plain.length} -> ${checked.length} bytes; time with them`,
);
for (const name of Object.keys(work))
  console.log(`  ${name.padEnd(10)} ${ratio(loops, `${name} checked`, `${name} free`).toFixed(2)} x`);
session.disconnect();
