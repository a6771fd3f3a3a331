// `npm run check`: everything that can be judged without a proxy under way. All steps run; any failure fails.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./build/files.mjs";
import { build } from "./build.mjs";

const bin = join(root, "node_modules/.bin");
const modules = globSync(["{filters,examples}/*/index.ts", "test/sdk/guests/*.ts"], { cwd: root }).sort();

/** @type {readonly (readonly [title: string, command: string, args: readonly string[]])[]} */
const STEPS = [
  ["format and lint", "biome", ["check", "."]],
  ["types (TypeScript)", "tsc", ["-p", "."]],
  ["types (the inspector's page)", "tsc", ["-p", "host/inspector/page"]],
  ["types (AssemblyScript)", "asc", [...modules, "--noEmit"]],
  ["layers and unit tests", "vitest", ["run", "--project", "unit"]],
];

process.env.PATH = `${bin}${delimiter}${process.env.PATH}`;
const failed = [];
try {
  await build();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  failed.push("build");
}
for (const [title, command, args] of STEPS) {
  const began = performance.now();
  process.stdout.write(`== ${title}: ${command} ${args.join(" ")}\n`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) failed.push(title);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`== ${title}: ${status === 0 ? "ok" : "FAILED"} in ${seconds} s\n\n`);
}
process.stdout.write(failed.length === 0 ? "check: all ok\n" : `check: failed: ${failed.join(", ")}\n`);
process.exit(failed.length === 0 ? 0 : 1);
