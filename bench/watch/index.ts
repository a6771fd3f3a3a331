// `npm run bench watch`: how long an author waits in `proxy-wasm test --watch`, from saving the filter to red or green.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";

const ROUNDS = Number(process.argv[2] ?? 20);
const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "proxy-wasm-bench-"));

// The project that `proxy-wasm init` makes: the filter, and its test.
cpSync(join(root, "templates/filter"), folder, { recursive: true });
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules/proxy-wasm-toolkit"));
const source = join(folder, "index.ts");
const good = readFileSync(source, "utf8");
const bad = good.replace("sendLocalResponse(400", "sendLocalResponse(401");
if (bad === good) throw new Error("the template's filter has changed: there is nothing to break");

const child = spawn(
  process.execPath,
  [join(root, "dist/cli.js"), "test", "filter.scenario.yaml", "--watch"],
  { cwd: folder, stdio: ["ignore", "pipe", "ignore"] },
);
process.once("exit", () => {
  child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

let verdict: (passed: boolean) => void = () => {};
child.stdout.setEncoding("utf8").on("data", (text: string) => {
  const counts = /(\d+) passed, (\d+) failed/.exec(text);
  if (counts) verdict(counts[2] === "0");
});
const next = () =>
  new Promise<boolean>((resolve) => {
    verdict = resolve;
  });

const began = performance.now();
await next();
console.log(`first run, the compiler loaded: ${Math.round(performance.now() - began)} ms`);
// The command says what it watches after the verdict: let it get there.
await new Promise((resolve) => setTimeout(resolve, 500));

const times: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const red = round % 2 === 0;
  const saved = performance.now();
  const seen = next();
  writeFileSync(source, red ? bad : good);
  if ((await seen) === red)
    throw new Error(`round ${round}: green where red is right, or the other way round`);
  times.push(performance.now() - saved);
  await new Promise((resolve) => setTimeout(resolve, 200));
}
times.sort((a, b) => a - b);
const at = (share: number) =>
  Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))]!);
console.log(
  `edit -> red/green, ${ROUNDS} edits: median ${at(0.5)} ms, 9 of 10 within ${at(0.9)} ms, longest ${at(1)} ms` +
    ` (load ${loadavg()[0]!.toFixed(1)})`,
);
process.exit(0);
