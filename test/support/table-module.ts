import { CALLBACKS, type CallbackRow } from "../../host/abi/callbacks";
import { HOSTCALLS } from "../../host/abi/hostcalls";
import { type SignatureRow, wasmParams } from "../../host/abi/signature";
import { type AbiVersion, inVersion } from "../../host/abi/version";
import { WASI, type WASI_MODULES } from "../../host/abi/wasi";
import { assembled } from "./guests";

/** A function by name and wasm types. */
export interface FunctionShape {
  name: string;
  params: readonly string[];
  results: readonly string[];
}

export interface ImportShape extends FunctionShape {
  module: string;
  /** What the function is called inside the module, its name by default. */
  id?: string;
}

/** Hostcalls of one ABI version as imports, or of all of them. */
export function hostcallImports(version?: AbiVersion): ImportShape[] {
  return Object.entries<SignatureRow>(HOSTCALLS)
    .filter(([, row]) => version === undefined || inVersion(version, row))
    .map(([name, row]) => ({ module: "env", name, params: wasmParams(row), results: ["i32"] }));
}

/** Callbacks of one ABI version as exports. */
export function callbackExports(version: AbiVersion): FunctionShape[] {
  return Object.entries<CallbackRow>(CALLBACKS)
    .filter(([, row]) => inVersion(version, row))
    .map(([name, row]) => {
      const params = version === "0.1.0" ? (row.params010 ?? row.params) : row.params;
      return { name, params: wasmParams({ params }), results: row.result ? ["i32"] : [] };
    });
}

/** WASI functions as imports. */
export function wasiImports(module: (typeof WASI_MODULES)[number] = "wasi_snapshot_preview1"): ImportShape[] {
  return Object.entries(WASI).map(([name, letters]) => ({
    module,
    name,
    params: [...letters].map((letter) => (letter === "l" ? "i64" : "i32")),
    results: name === "proc_exit" ? [] : ["i32"],
  }));
}

/** The tolerated functions of emscripten as imports. */
export const EMSCRIPTEN: readonly ImportShape[] = [
  { module: "env", name: "emscripten_notify_memory_growth", params: ["i32"], results: [] },
  { module: "env", name: "pthread_equal", params: ["i32", "i32"], results: ["i32"] },
];

/** An import as WebAssembly text, known as `$id` in the module. */
export function importText(f: ImportShape, id = f.id ?? f.name): string {
  return `(import "${f.module}" "${f.name}" (func $${id} ${type(f)}))`;
}

/** A call with zeros for arguments, its result dropped. */
export function zeroCall(f: FunctionShape): string {
  const call = `(call $${f.name} ${f.params.map((t) => `(${t}.const 0)`).join(" ")})`;
  return f.results.length > 0 ? `(drop ${call})` : call;
}

function type({ params, results }: FunctionShape): string {
  return `${params.map((t) => `(param ${t})`).join("")}${results.map((t) => `(result ${t})`).join("")}`;
}

/** Bodies of exported callbacks: continue, and true where a callback is asked for yes or no. */
const YES = new Set(
  Object.entries<CallbackRow>(CALLBACKS)
    .filter(([, row]) => row.result === "bool")
    .map(([name]) => name),
);

export interface TableModule {
  version: AbiVersion;
  imports?: readonly ImportShape[];
  /** Exported before the version marker. */
  exports?: readonly FunctionShape[];
  /** More WebAssembly text inside the module. */
  more?: string;
}

/** A module with just these imports and exports, a memory and an allocator; answers the path of its file. */
export function tableModule({ version, imports = [], exports = [], more = "" }: TableModule): string {
  const lines = [
    ...imports.map((f) => importText(f)),
    '(memory (export "memory") 2)',
    ...exports.map((f) => {
      const body = f.results.length > 0 ? `(i32.const ${YES.has(f.name) ? 1 : 0})` : "";
      return `(func (export "${f.name}") ${type(f)} ${body})`;
    }),
    `(func (export "proxy_abi_version_${version.replaceAll(".", "_")}"))`,
    '(func (export "malloc") (param i32) (result i32) (i32.const 65536))',
    more,
  ];
  return assembled(`table-${version}`, `(module\n${lines.join("\n")}\n)`);
}
