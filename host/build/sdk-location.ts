import { existsSync, readFileSync } from "node:fs";
import { dirname, join, parse, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BuildError } from "../errors";

/** The package's name: what authors import, and what asc calls `~lib/proxy-wasm-toolkit`. */
export const PACKAGE = "proxy-wasm-toolkit";

/** Folders from `start` up to the root of the file system. */
function* ancestors(start: string): Generator<string> {
  for (let dir = resolve(start); ; dir = dirname(dir)) {
    yield dir;
    if (dir === parse(dir).root) return;
  }
}

function packageName(dir: string): string | undefined {
  const file = join(dir, "package.json");
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name;
}

/**
 * The package whose SDK a module is built on: the one installed for the entry, or the one the entry belongs to, or,
 * outside any project, the one this program came with. One build uses one copy.
 */
export function findPackage(entryDir: string): string {
  for (const dir of ancestors(entryDir)) {
    const installed = join(dir, "node_modules", PACKAGE);
    if (existsSync(join(installed, "sdk", "index.ts"))) return installed;
    if (packageName(dir) === PACKAGE) return dir;
  }
  for (const dir of ancestors(dirname(fileURLToPath(import.meta.url)))) {
    if (packageName(dir) === PACKAGE) return dir;
  }
  throw new BuildError(`${PACKAGE}/sdk not found; install it: npm install ${PACKAGE}`);
}

/** The project an entry belongs to: the nearest folder with a package.json, else the entry's own. */
export function findProject(entryDir: string): string {
  for (const dir of ancestors(entryDir)) {
    if (existsSync(join(dir, "package.json"))) return dir;
  }
  return resolve(entryDir);
}
