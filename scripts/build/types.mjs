import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { hashFiles, root, stamps, writeIfChanged } from "./files.mjs";

const types = join(root, "dist/types");

/** Emits dist/types with tsc (types are checked by `npm run check`, not here). */
export async function emitTypes(/** @type {(line: string) => void} */ say) {
  const hash = hashFiles(["host/**/*.ts", "sdk/abi/*.ts", "tsconfig*.json", "scripts/build/types.mjs"]);
  if (stamps.read("types") === hash && existsSync(join(types, "host/index.d.ts"))) return;
  const began = performance.now();
  try {
    await promisify(execFile)(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.types.json"], {
      cwd: root,
    });
  } catch (error) {
    const { stdout, message } = /** @type {{ stdout?: string, message: string }} */ (error);
    throw new Error(`tsc could not emit the types:\n${stdout || message}`);
  }
  for (const file of globSync("**/*.d.ts", { cwd: types })) completeImports(join(types, file));
  stamps.write("types", hash);
  say(`dist/types emitted in ${Math.round(performance.now() - began)} ms`);
}

/** Sources import without extensions; a consumer under `moduleResolution: nodenext` needs them. */
function completeImports(/** @type {string} */ file) {
  const text = readFileSync(file, "utf8").replace(/(from |import\()"(\.[^"]*)"/g, (all, how, path) => {
    if (path.endsWith(".js")) return all;
    const isFolder = existsSync(join(dirname(file), path, "index.d.ts"));
    return `${how}"${path}${isFolder ? "/index" : ""}.js"`;
  });
  writeIfChanged(file, text);
}
