import { CALLBACKS, type CallbackRow } from "../../host/abi/callbacks";
import { HOSTCALLS } from "../../host/abi/hostcalls";
import { type SignatureRow, wasmParams } from "../../host/abi/signature";
import { type AbiVersion, inVersion } from "../../host/abi/version";
import { assembled } from "./guests";

/** A function by name and wasm types. */
export interface FunctionShape {
  name: string;
  params: readonly string[];
  results: readonly string[];
}

export interface ImportShape extends FunctionShape {
  module: string;
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
    ...imports.map((f) => `(import "${f.module}" "${f.name}" (func $${f.name} ${type(f)}))`),
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
