import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { instantiate } from "@assemblyscript/loader";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The text readers, called with JavaScript strings. A trap throws. */
export interface TextGuest {
  json(source: string): string;
  regexError(pattern: string): string;
  compile(pattern: string): string;
  matches(text: string): boolean;
  duration(text: string): bigint;
  glob(pattern: string, ignoreCase: boolean, text: string): boolean;
  lower(text: string): string;
  sameIgnoringCase(a: string, b: string): boolean;
  ip(text: string): string;
  address(text: string): string;
  inBlock(block: string, text: string): number;
  path(target: string): string;
  query(target: string, name: string): string;
  decodePercent(text: string): string;
}

const TEXTS = new Set([
  "json",
  "regexError",
  "compile",
  "lower",
  "ip",
  "address",
  "path",
  "query",
  "decodePercent",
]);
const BOOLS = new Set(["matches", "glob", "sameIgnoringCase"]);

async function compileGuest(): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "test/sdk/guests/text.ts",
      "--runtime",
      "incremental",
      "--exportRuntime",
      "-O2",
      "--outFile",
      "out.wasm",
      "--baseDir",
      root,
    ],
    {
      readFile: (path) => {
        // The project's asconfig is for filters: it binds abort to the SDK.
        if (path.endsWith("asconfig.json")) return null;
        const full = join(root, path);
        return existsSync(full) ? readFileSync(full, "utf8") : null;
      },
      writeFile: (path, content) => {
        if (path === "out.wasm") wasm = content as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(stderr.toString());
  return wasm;
}

/** Compiles and loads the readers (sdk/text). */
export async function loadTextGuest(): Promise<TextGuest> {
  const { exports } = await instantiate(await compileGuest());
  const runtime = exports as unknown as {
    __newString(text: string): number;
    __getString(pointer: number): string;
    __pin(pointer: number): number;
    __unpin(pointer: number): void;
  };
  const functions = exports as unknown as Record<string, (...args: unknown[]) => unknown>;
  const call =
    (name: string) =>
    (...args: unknown[]) => {
      const pinned: number[] = [];
      const raw = args.map((arg) => {
        if (typeof arg !== "string") return arg;
        const pointer = runtime.__pin(runtime.__newString(arg));
        pinned.push(pointer);
        return pointer;
      });
      const result = functions[name]!(...raw);
      for (const pointer of pinned) runtime.__unpin(pointer);
      if (TEXTS.has(name)) return runtime.__getString(result as number);
      return BOOLS.has(name) ? result !== 0 : result;
    };
  return new Proxy({} as TextGuest, { get: (_, name) => (name === "then" ? undefined : call(String(name))) });
}
