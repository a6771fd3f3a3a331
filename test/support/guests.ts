import { createHash, randomUUID } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { assemble } from "./assemble";
import { compile } from "./compile";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(root, "build/test-guests");
const OPTIONS = ["--runtime", "stub", "--optimizeLevel", "2", "--exportStart", "_initialize"];

/** Changes whenever anything a guest could be made of does. */
let sources: string | undefined;

function sourcesHash(): string {
  if (sources !== undefined) return sources;
  const hash = createHash("sha256").update(OPTIONS.join(" ")).update(asc.version);
  const files = [...globSync("test/guests/**/*.ts", { cwd: root }), "sdk/env.ts"].sort();
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  sources = hash.digest("hex").slice(0, 16);
  return sources;
}

/**
 * Compiles `test/guests/<name>.ts` (or assembles `<name>.wat`) into a module and answers the path of the file; compiled
 * once for all test files.
 *
 * @param start name of the export that runs top-level code, `_initialize` as a rule
 */
export async function guest(name: string, start = "_initialize"): Promise<string> {
  const text = join(root, `test/guests/${name}.wat`);
  if (existsSync(text)) return assembled(name, readFileSync(text, "utf8"));
  const file = join(cache, `${name}-${start}-${sourcesHash()}.wasm`);
  if (existsSync(file)) return file;
  const entry = `test/guests/${name}.ts`;
  const uses = [
    "abort=test/guests/abort/onAbort",
    // The puppet leaves out at compile time what its ABI version does not have.
    `PUPPET_ABI=${/-0-(\d)-(\d)$/.exec(name)?.slice(1).join("") ?? "21"}`,
  ].flatMap((use) => ["--use", use]);
  return store(file, await compile(entry, [...OPTIONS.slice(0, -1), start, ...uses]));
}

/** Assembles WebAssembly text into a module file, for shapes a compiler cannot make. */
export function assembled(name: string, text: string): string {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const file = join(cache, `${name}-${hash}.wasm`);
  return existsSync(file) ? file : store(file, assemble(text));
}

function store(file: string, wasm: Uint8Array): string {
  mkdirSync(cache, { recursive: true });
  // Through a rename: test files compile side by side.
  const staged = join(cache, randomUUID());
  writeFileSync(staged, wasm);
  renameSync(staged, file);
  return file;
}
