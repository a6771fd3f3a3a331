// `npm run bench <name>`: bundles bench/<name>/index.ts with the host, as dist/ is bundled, and runs it in a process of
// its own. Options of Node go before the name: `npm run bench -- --cpu-prof host`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const bench = dirname(fileURLToPath(import.meta.url));
const root = dirname(bench);
const names = readdirSync(bench).filter((name) => existsSync(join(bench, name, "index.ts")));

const at = process.argv.findIndex((arg, i) => i > 1 && !arg.startsWith("-"));
const name = process.argv[at];
if (at < 0 || !names.includes(name)) {
  process.stderr.write(
    `usage: npm run bench [-- NODE_OPTION...] NAME [ARGUMENT...]; NAME is ${names.join(" or ")}\n`,
  );
  process.exit(2);
}

const outfile = join(root, "build/bench", `${name}.mjs`);
await esbuild.build({
  absWorkingDir: root,
  entryPoints: [`bench/${name}/index.ts`],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  logLevel: "error",
});
const options = ["--expose-gc", ...process.argv.slice(2, at)];
const { status } = spawnSync(process.execPath, [...options, outfile, ...process.argv.slice(at + 1)], {
  cwd: root,
  stdio: "inherit",
});
process.exit(status ?? 1);
