import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { extraTransforms } from "../../../host/build/extra-transforms";
import { buildModule } from "../../../host/build/index";
import { clearHits } from "./hits";
import { loadAst } from "./statements";
import { coverageTransform } from "./transform";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let built: Promise<void> | undefined;

/** Puts modules with counters where the build has put those without; scripts/coverage.mjs lets them be made again. */
export default function setup(): Promise<void> {
  built ??= build();
  return built;
}

async function build(): Promise<void> {
  clearHits();
  extraTransforms.push(coverageTransform(await loadAst()));
  for (const entry of globSync("{filters,examples}/*/index.ts", { cwd: root }).sort()) {
    const [kind, name] = [dirname(dirname(entry)), basename(dirname(entry))];
    await buildModule({ entry: join(root, entry), outFile: join(root, "build", kind, `${name}.wasm`) });
  }
}
