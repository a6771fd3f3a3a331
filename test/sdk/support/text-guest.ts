import { instantiate } from "@assemblyscript/loader";
import { compile } from "../../support/compile";

const OPTIONS = ["--runtime", "incremental", "--exportRuntime", "-O2"];

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

/** Compiles and loads the readers (sdk/text). */
export async function loadTextGuest(): Promise<TextGuest> {
  const { exports } = await instantiate(await compile("test/sdk/guests/text.ts", OPTIONS));
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
