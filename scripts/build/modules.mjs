import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { hashFiles, root, stamps, writeIfChanged } from "./files.mjs";

/** What every module depends on, whatever its own sources are. */
const COMMON = [
  "sdk/**/*.ts",
  "host/build/**/*.ts",
  "asconfig.json",
  "package-lock.json",
  "scripts/build/modules.mjs",
];

/** Sources -> where their modules go. */
const KINDS = [
  { sources: "filters/*/index.ts", to: "build/filters" },
  { sources: "examples/*/index.ts", to: "build/examples" },
];

/** Compiles filters and examples that changed since their module was built. */
export async function compileModules(/** @type {(line: string) => void} */ say) {
  const common = hashFiles(COMMON);
  for (const { sources, to } of KINDS) {
    for (const entry of globSync(sources, { cwd: root }).sort()) {
      const folder = dirname(entry);
      const name = folder.slice(folder.lastIndexOf("/") + 1);
      const output = `${to}/${name}.wasm`;
      const stamp = output.replaceAll("/", "-");
      const hash = `${common} ${hashFiles([`${folder}/**/*.ts`])}`;
      if (stamps.read(stamp) === hash && existsSync(join(root, output))) {
        say(`${output} is up to date`);
        continue;
      }
      const began = performance.now();
      const { buildModule } = await import(pathToFileURL(join(root, "dist/index.js")).href);
      const { wasm } = await buildModule({ entry: join(root, entry) });
      writeIfChanged(join(root, output), wasm);
      stamps.write(stamp, hash);
      const ms = Math.round(performance.now() - began);
      say(`${output} compiled from ${entry} in ${ms} ms, ${(wasm.length / 1024).toFixed(1)} KiB`);
    }
  }
}
