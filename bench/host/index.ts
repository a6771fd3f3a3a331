import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { buildModule } from "../../host/build/index";
import { compile } from "../../test/support/compile";
import { measure, median, ratio, type Subject } from "../support/rounds";
import { bareLoop } from "./bare";
import { chained, hosted, load } from "./hosted";

/** Compiles bench/guests/raw.ts with or without its hostcalls. */
async function raw(read: boolean, add: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const options = ["--runtime", "stub", "--optimizeLevel", "3", "--exportStart", "_initialize"];
  const defines = ["--use", `BENCH_READ=${Number(read)}`, "--use", `BENCH_ADD=${Number(add)}`];
  return new Uint8Array(await compile("bench/guests/raw.ts", [...options, ...defines]));
}

const modules: [name: string, wasm: Uint8Array<ArrayBuffer>, bar: number | undefined][] = [
  ["raw", await raw(true, true), 10],
  ["rust", new Uint8Array(readFileSync("bench/guests/rust/hello.wasm")), undefined],
  ["sdk", new Uint8Array((await buildModule({ entry: "examples/hello/index.ts" })).wasm), 5],
];

const subjects: Subject[] = [];
for (const [name, wasm] of modules) {
  subjects.push(bareLoop(`${name} bare`, wasm));
  subjects.push(hosted(`${name} host`, await load(wasm)));
  subjects.push(chained(`${name} chain`, [await load(wasm)]));
}
subjects.push(chained("no filter", []));
subjects.push(hosted("raw, no hostcalls", await load(await raw(false, false))));
subjects.push(hosted("raw, read only", await load(await raw(true, false))));
subjects.push(hosted("raw, adds only", await load(await raw(false, true))));

const results = measure(subjects);
const ns = (name: string) => median(results.get(name)!);
const cell = (value: number) => value.toFixed(0).padStart(6);

console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}; ns per hello stream, median of 15 rounds\n`,
);
console.log("module   bytes     bare loop   plugin   (x bare)   in a chain   bar");
for (const [name, wasm, bar] of modules) {
  const times = ratio(results, `${name} host`, `${name} bare`);
  const verdict = bar === undefined ? "" : `   ${bar} x: ${times <= bar ? "kept" : "MISSED"}`;
  console.log(
    `${name.padEnd(6)} ${String(wasm.length).padStart(7)}        ${cell(ns(`${name} bare`))}   ${cell(ns(`${name} host`))}   (${times.toFixed(1).padStart(4)} x)       ${cell(ns(`${name} chain`))}${verdict}`,
  );
}
const empty = ns("raw, no hostcalls");
console.log(`
where it goes (raw module)
  context and six empty callbacks   ${cell(empty)}
  one header read                   ${cell(ns("raw, read only") - empty)}
  two header adds                   ${cell(ns("raw, adds only") - empty)}
  a filter chain around it          ${cell(ns("raw chain") - ns("raw host"))}   (an empty chain: ${ns("no filter").toFixed(0)})`);
