import { CALLBACKS, type CallbackRow } from "../../../../host/abi/callbacks";
import { HOSTCALLS } from "../../../../host/abi/hostcalls";
import { type SignatureRow, wasmParams } from "../../../../host/abi/signature";
import { inVersion } from "../../../../host/abi/version";
import { WASI, type WasiName } from "../../../../host/abi/wasi";

const VERSION = "0.2.1";

/** A host function as the interpreter knows it: its place in the list is its number in a program. */
export interface FuzzedCall {
  readonly name: string;
  readonly row: SignatureRow | undefined;
  readonly params: readonly ("i32" | "i64")[];
}

/** Everything a guest of this ABI may call and live. */
export const CALLS: readonly FuzzedCall[] = [
  ...Object.entries<SignatureRow>(HOSTCALLS)
    .filter(([, row]) => inVersion(VERSION, row))
    .map(([name, row]) => ({ name, row, params: wasmParams(row) })),
  ...(Object.keys(WASI) as WasiName[])
    .filter((name) => name !== "proc_exit")
    .map((name) => ({
      name,
      row: undefined,
      params: [...WASI[name]].map((letter) => (letter === "l" ? ("i64" as const) : ("i32" as const))),
    })),
];

/** The callbacks that perform a program; what they are called with is of no interest. */
export const PERFORMERS = Object.entries<CallbackRow>(CALLBACKS).filter(
  ([name]) => !/vm_start|configure|validate_configuration|^envoy_/.test(name),
);

/** Where the program lies in the guest's memory: the allocator's first answer. */
export const PROGRAM = 4096;
/** Bytes of one entry of the program's head (offset, count, result), and of one step. */
export const ENTRY = 12;
export const STEP = 8 + 8 * Math.max(...CALLS.map(({ params }) => params.length));
/** Bytes of memory at the start. */
export const MEMORY = 4 * 65536;

const list = (types: readonly string[], word: string) =>
  types.length > 0 ? `(${word} ${types.join(" ")})` : "";

function load(type: string, i: number): string {
  return `(${type}.load (i32.add (local.get $at) (i32.const ${8 + 8 * i})))`;
}

/** The guest, as WebAssembly text: made of the host's own tables, so that a new hostcall is fuzzed from its first day. */
export function interpreter(): string {
  const imports = CALLS.map(
    ({ name, row, params }) =>
      `(import "${row ? "env" : "wasi_snapshot_preview1"}" "${name}" (func $${name} ${list(params, "param")} (result i32)))`,
  );
  const cases = CALLS.map(
    ({ name, params }, i) =>
      `(if (i32.eq (local.get $call) (i32.const ${i})) (then (drop (call $${name} ${params.map(load).join(" ")}))))`,
  );
  const callbacks = PERFORMERS.map(([name, row], i) => {
    const run = `(call $run (i32.const ${PROGRAM + ENTRY * i}))`;
    const body = row.result ? run : `(drop ${run})`;
    return `(func (export "${name}") ${list(wasmParams(row), "param")} ${row.result ? "(result i32)" : ""} ${body})`;
  });
  return `(module
    ${imports.join("\n    ")}
    (memory (export "memory") ${MEMORY / 65536})
    (global $base (mut i32) (i32.const ${PROGRAM}))
    (global $free (mut i32) (i32.const ${PROGRAM}))
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param $size i32) (result i32) (local $at i32)
      (local.set $at (global.get $free))
      (if (i32.gt_u (local.get $size) (i32.const 0x1000000)) (then (return (i32.const 0))))
      (global.set $free (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
      (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
        (then (if (i32.eq (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1))) (i32.const -1))
          (then (return (i32.const 0))))))
      (local.get $at))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (drop (call $proxy_get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 4)))
      (global.set $base (global.get $free))
      (i32.const 1))
    (func $step (param $at i32) (local $call i32)
      (local.set $call (i32.load (local.get $at)))
      ${cases.join("\n      ")})
    (func $run (param $entry i32) (result i32) (local $at i32) (local $left i32)
      (if (i32.eq (global.get $base) (i32.const ${PROGRAM})) (then (return (i32.const 0))))
      (global.set $free (global.get $base))
      (local.set $at (i32.add (i32.const ${PROGRAM}) (i32.load (local.get $entry))))
      (local.set $left (i32.load (i32.add (local.get $entry) (i32.const 4))))
      (block $end (loop $next
        (br_if $end (i32.eqz (local.get $left)))
        (call $step (local.get $at))
        (local.set $at (i32.add (local.get $at) (i32.const ${STEP})))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
      (i32.load (i32.add (local.get $entry) (i32.const 8))))
    ${callbacks.join("\n    ")})`;
}
