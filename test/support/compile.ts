import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { extraTransforms } from "../../host/build/extra-transforms";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Compiles one AssemblyScript file of this project, without the preset of asconfig.json, which is for filters.
 *
 * @param made files that exist only here, by path
 */
export async function compile(
  entry: string,
  options: readonly string[],
  made: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main([entry, ...options, "--outFile", "out.wasm", "--baseDir", root], {
    readFile: (path) => {
      if (made[path] !== undefined) return made[path];
      const full = join(root, path);
      return !path.endsWith("asconfig.json") && existsSync(full) ? readFileSync(full, "utf8") : null;
    },
    writeFile: (path, content) => {
      if (path === "out.wasm") wasm = content as Uint8Array;
    },
    listFiles: () => [],
    transforms: extraTransforms as never,
  });
  if (error || !wasm) throw new Error(`${entry} does not compile: ${stderr.toString()}`);
  return wasm;
}
