// `npm run build`: dist/ (CLI, library, types), then the filters and examples as wasm in build/.
// Everything is incremental: what is up to date by content is left alone.
import { fileURLToPath } from "node:url";
import { bundle } from "./build/bundle.mjs";
import { compileModules } from "./build/modules.mjs";
import { emitTypes } from "./build/types.mjs";

/** @param {{ say?: (line: string) => void, types?: boolean }} [options] */
export async function build({ say = () => {}, types = true } = {}) {
  await Promise.all([bundle(say), types ? emitTypes(say) : undefined]);
  await compileModules(say);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const quiet = process.argv.includes("--quiet");
  try {
    await build(quiet ? {} : { say: (line) => process.stdout.write(`${line}\n`) });
  } catch (error) {
    process.stderr.write(`build failed: ${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
}
