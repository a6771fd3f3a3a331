import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { buildModule } from "../build/index";

/** What one build was made from, by path and hash, and what came out. */
interface Manifest {
  sources: Record<string, string>;
}

/** A module in memory, with the map from its code to the sources. */
export interface LoadedModule {
  wasm: Uint8Array;
  /** Path or name for messages. */
  name: string;
  /** Where it lies. */
  file: string;
  /** Absolute paths of the files it was made from; of a `.wasm` file itself. */
  sources: readonly string[];
  /** Reads a file that lies beside the module: its source map. */
  readBeside(name: string): string | undefined;
}

const inProcess = new Map<string, Promise<LoadedModule>>();

/**
 * The module at a path: a `.wasm` file (with `<file>.map` beside it, if there is one), or an AssemblyScript entry or
 * folder, compiled in debug form. Builds are kept in `node_modules/.cache/proxy-wasm-toolkit` until a source changes.
 */
export function loadModule(path: string): Promise<LoadedModule> {
  const full = resolve(path);
  const stamp = statSync(full, { throwIfNoEntry: false })?.mtimeMs;
  const key = `${full} ${stamp}`;
  let module = inProcess.get(key);
  if (!module) {
    module = full.endsWith(".wasm") ? Promise.resolve(readModule(full, path)) : compiled(full, path);
    inProcess.set(key, module);
  }
  return module;
}

/** Modules are looked at again: their sources may have changed. */
export function forgetModules(): void {
  inProcess.clear();
}

function readModule(file: string, name: string): LoadedModule {
  return {
    wasm: readFileSync(file),
    name,
    file,
    sources: [file],
    readBeside(beside) {
      const path = join(dirname(file), basename(beside));
      return existsSync(path) ? readFileSync(path, "utf8") : undefined;
    },
  };
}

async function compiled(entry: string, name: string): Promise<LoadedModule> {
  const folder = cacheFolder(entry);
  const file = join(folder, `${basename(entry, ".ts")}-${hash(entry).slice(0, 12)}.wasm`);
  const manifest = `${file}.json`;
  const fromCache = (sources: readonly string[]) => ({
    ...readModule(file, name),
    sources,
    readBeside: () => readFileSync(`${file}.map`, "utf8"),
  });
  const current = existsSync(file) ? currentSources(manifest) : undefined;
  if (current) return fromCache(current);
  const { wasm, sources, sourceMap = "" } = await buildModule({ entry, debug: true });
  const hashes = Object.fromEntries(sources.map((path) => [path, hash(readFileSync(path))]));
  write(file, wasm);
  write(`${file}.map`, sourceMap);
  // Last: whoever finds it finds the rest.
  write(manifest, JSON.stringify({ sources: hashes } satisfies Manifest));
  return fromCache(sources);
}

/** What a build was made from; undefined when that has changed since. */
function currentSources(manifest: string): string[] | undefined {
  try {
    const { sources } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest;
    const same = Object.entries(sources).every(([path, before]) => hash(readFileSync(path)) === before);
    return same ? Object.keys(sources) : undefined;
  } catch {
    return undefined; // no manifest, or a source that is gone
  }
}

function hash(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Beside the nearest node_modules, as other tools keep their caches. */
function cacheFolder(entry: string): string {
  for (let dir = dirname(entry); ; dir = dirname(dir)) {
    if (existsSync(join(dir, "node_modules"))) return join(dir, "node_modules/.cache/proxy-wasm-toolkit");
    if (dir === dirname(dir)) return join(dirname(entry), "node_modules/.cache/proxy-wasm-toolkit");
  }
}

/** Through a rename: test files compile side by side. */
function write(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const staged = `${file}.${randomUUID()}`;
  writeFileSync(staged, content);
  renameSync(staged, file);
}
