import { instantiate } from "@assemblyscript/loader";
import { compile } from "../../support/compile";

/** As `proxy-wasm build` does it: memory is collected between calls, never inside one. */
const OPTIONS = ["--runtime", "minimal", "--exportRuntime", "-O2"];

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
  encodePercent(text: string): string;
  parameters(target: string): string;
  parameter(target: string, name: string): string;
  allOf(target: string, name: string): string;
  toBase64(bytes: string): string;
  toBase64Url(bytes: string): string;
  fromBase64(text: string): string;
  fromBase64Url(text: string): string;
  utf8(bytes: string): boolean;
  unicode(text: string): boolean;
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
  "encodePercent",
  "parameters",
  "parameter",
  "allOf",
  "toBase64",
  "toBase64Url",
  "fromBase64",
  "fromBase64Url",
]);
const BOOLS = new Set(["matches", "glob", "sameIgnoringCase", "utf8", "unicode"]);

/** Compiles and loads the readers (sdk/text). */
export async function loadTextGuest(): Promise<TextGuest> {
  const { exports } = await instantiate(await compile("test/sdk/guests/text.ts", OPTIONS));
  const runtime = exports as unknown as {
    __newString(text: string): number;
    __getString(pointer: number): string;
    __pin(pointer: number): number;
    __unpin(pointer: number): void;
    __collect(): void;
  };
  const functions = exports as unknown as Record<string, (...args: unknown[]) => unknown>;
  let calls = 0;
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
      if (++calls % 64 === 0) runtime.__collect();
      const result = functions[name]!(...raw);
      for (const pointer of pinned) runtime.__unpin(pointer);
      if (TEXTS.has(name)) return runtime.__getString(result as number);
      return BOOLS.has(name) ? result !== 0 : result;
    };
  return new Proxy({} as TextGuest, { get: (_, name) => (name === "then" ? undefined : call(String(name))) });
}
