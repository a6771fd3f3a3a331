import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { buildModule } from "../../host/build/index";
import { ENVOY_VERSION } from "../../host/envoy/index";
import { compile } from "../../test/support/compile";
import { median } from "../support/rounds";
import { addedCost, ratioOf } from "./cost";
import { memoryOver } from "./memory";
import { withOpenStreams } from "./streams";

/** What the SDK must show; every figure is printed, with the bar it is held against. */

const RUNS = 3;
const wanted = process.argv.slice(2);
const part = (name: string) => wanted.length === 0 || wanted.includes(name);
const verdict = (kept: boolean) => (kept ? "kept" : "MISSED");
const built = async (entry: string) => (await buildModule({ entry })).wasm;

console.log(
  `Envoy ${ENVOY_VERSION}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}`,
);

const hello = await built("examples/hello");

if (part("sizes")) {
  console.log("\nmodules, bytes");
  for (const folder of globSync("examples/*/index.ts")
    .map((file) => file.replace("/index.ts", ""))
    .sort()) {
    const size = (await built(folder)).length;
    const bar = folder.endsWith("/hello") ? 6 : 24;
    console.log(
      `  ${folder.padEnd(26)} ${String(size).padStart(6)}   at most ${bar} KiB: ${verdict(size <= bar * 1024)}`,
    );
  }
}

if (part("cost")) {
  const options = ["--runtime", "stub", "--optimizeLevel", "3", "--exportStart", "_initialize"];
  const modules = [
    { name: "sdk", wasm: hello },
    { name: "raw", wasm: await compile("bench/guests/raw-hello.ts", options) },
    { name: "rust", wasm: new Uint8Array(readFileSync("bench/guests/rust/hello.wasm")) },
  ];
  console.log(
    "\nhello in Envoy: added CPU, us a request and filter (8 copies in one chain; median of 12 rounds)",
  );
  for (let run = 1; run <= RUNS; run++) {
    const added = await addedCost(modules);
    const us = (name: string) => median(added.get(name)!).toFixed(2);
    const [rust, raw] = [ratioOf(added, "sdk", "rust"), ratioOf(added, "sdk", "raw")];
    console.log(
      `  run ${run}: bare request ${us("bare")}, SDK ${us("sdk")}, by hand ${us("raw")}, Rust SDK ${us("rust")}; ` +
        `SDK / Rust ${rust.toFixed(2)} (at most 0.8: ${verdict(rust <= 0.8)}), ` +
        `SDK / by hand ${raw.toFixed(2)} (at most 1.3: ${verdict(raw <= 1.3)})`,
    );
  }
}

if (part("streams")) {
  const wasm = await built("bench/guests/holder.ts");
  console.log("\na request to a filter with an object per stream: CPU, us");
  for (let run = 1; run <= RUNS; run++) {
    const { none, open, ratio } = await withOpenStreams(wasm);
    console.log(
      `  run ${run}: alone ${none.toFixed(2)}, with 10000 open streams ${open.toFixed(2)}: ${ratio.toFixed(2)} (at most 1.1: ${verdict(ratio <= 1.1)})`,
    );
  }
}

if (part("memory")) {
  console.log("\n1000000 requests with 20 headers and a body read: memory");
  const samples = await memoryOver(await built("bench/guests/reader.ts"), 1_000_000);
  for (const { requests, module, envoy } of samples)
    console.log(
      `  after ${String(requests).padStart(7)}: module ${module} KiB, Envoy ${envoy.toFixed(1)} MiB`,
    );
  const [, first] = samples;
  console.log(`  flat from the first tenth on: ${verdict(samples.at(-1)!.module === first!.module)}`);
}

/** What a process has run when it ends, seconds, as its last line on stderr. */
const TELL_CPU = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.error((user+system)/1e6)})`;

if (part("build")) {
  const times: number[] = [];
  const cpu: number[] = [];
  const args = [
    "--import",
    TELL_CPU,
    "dist/cli.js",
    "build",
    "examples/hello",
    "-o",
    "build/bench/hello.wasm",
  ];
  for (let run = 0; run < 6; run++) {
    const began = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error("the build failed; run npm run build first");
    if (run === 0) continue;
    times.push((performance.now() - began) / 1000);
    cpu.push(Number(stderr.trim().split("\n").at(-1)));
  }
  const least = Math.min(...times);
  console.log(
    `\nproxy-wasm build examples/hello, warm: ${median(times).toFixed(2)} s, at best ${least.toFixed(2)} s ` +
      `(at most 2 s: ${verdict(least <= 2)}), CPU ${median(cpu).toFixed(2)} s; load ${loadavg()[0]!.toFixed(1)}`,
  );
}
