import type { AbiVersion } from "./version";

/**
 * Kinds of parameter. `in` is a pointer and a length the host reads; `out` two addresses where it stores a pointer and a
 * length (`outPairs`: of a block of pairs); `out32`/`out64` one address of a number; `call` a number naming a context, call, queue, metric or token.
 */
export type ParamKind =
  | "u32"
  | "bool"
  | "i64"
  | "in"
  | "out"
  | "outPairs"
  | "out32"
  | "out64"
  | "level"
  | "map"
  | "buffer"
  | "stream"
  | "metric"
  | "pairs"
  | "path";

export type Param = readonly [name: string, kind: ParamKind];

export interface SignatureRow {
  readonly params: readonly Param[];
  readonly since?: AbiVersion;
  readonly until?: AbiVersion;
}

type WasmType = "i32" | "i64";

/** Wasm types of each kind, in order. */
export const WASM_TYPES: Readonly<Record<ParamKind, readonly WasmType[]>> = {
  u32: ["i32"],
  bool: ["i32"],
  i64: ["i64"],
  in: ["i32", "i32"],
  out: ["i32", "i32"],
  outPairs: ["i32", "i32"],
  out32: ["i32"],
  out64: ["i32"],
  level: ["i32"],
  map: ["i32"],
  buffer: ["i32"],
  stream: ["i32"],
  metric: ["i32"],
  pairs: ["i32", "i32"],
  path: ["i32", "i32"],
};

/** Flat list of wasm parameter types of a row. */
export function wasmParams(row: SignatureRow): WasmType[] {
  return row.params.flatMap(([, kind]) => WASM_TYPES[kind]);
}

type ArgsOfKind<K extends ParamKind> = K extends "i64"
  ? [bigint]
  : K extends "in" | "out" | "outPairs" | "pairs" | "path"
    ? [number, number]
    : [number];

/** The JavaScript arguments a row's implementation receives. */
export type ArgsOf<P extends readonly Param[]> = P extends readonly [
  readonly [string, infer K extends ParamKind],
  ...infer Rest extends readonly Param[],
]
  ? [...ArgsOfKind<K>, ...ArgsOf<Rest>]
  : [];
