// `npm run coverage`: the unit and conformance tests with every line counted, TypeScript and AssemblyScript in one table and
// in coverage/lcov.info. Modules get counters for the run; what it compiled is thrown away after it.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./build/files.mjs";
import { build } from "./build.mjs";

/** Compiled modules, with the marks that say they are up to date. */
const COMPILED = [
  "build/filters",
  "build/examples",
  "build/test-sdk",
  "node_modules/.cache/proxy-wasm-toolkit",
];

function forget() {
  for (const folder of COMPILED) rmSync(join(root, folder), { recursive: true, force: true });
}

process.env.PATH = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
await build({ types: false });
forget();
// Ctrl-C goes to vitest too; what is left to do here comes after it.
process.on("SIGINT", () => {});
const projects = ["unit", "conformance"].flatMap((project) => ["--project", project]);
const { status } = spawnSync("vitest", ["run", "--coverage", ...projects, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, COVERAGE: "1" },
});
forget();
process.exit(status ?? 1);
