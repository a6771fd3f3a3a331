import { assembled } from "./guests";
import { type FunctionShape, type ImportShape, importText } from "./table-module";

/** One call of a host function; `out` stands for an address of {@link OUT_SIZE} bytes that belong to this call. */
export interface HostCall {
  function: ImportShape;
  args: readonly (number | bigint | "out")[];
}

/** What came back: the result (0 for a function without one), and the bytes at `out`, before the call all 0xAA. */
export interface CallResult {
  result: number;
  out: Buffer;
}

export const OUT_SIZE = 32;
const RECORD = 4 + OUT_SIZE;
/** Where records start; below is room for a test's own data. */
const RECORDS = 4096;

/** Address of the bytes that tests put into memory with `data`. */
export const DATA = 64;

/**
 * A module that makes these calls when a request comes, one after the other, and answers the request with the results;
 * read the body with {@link readResults}.
 */
export function callModule(calls: readonly HostCall[], data: readonly number[] = []): string {
  const distinct = new Map<string, ImportShape>();
  for (const { function: f } of calls) distinct.set(`${f.module}.${f.name}`, f);
  const size = calls.length * RECORD;
  const end = RECORDS + size;
  const steps = calls.map(({ function: f, args }, at) => {
    const record = RECORDS + at * RECORD;
    const values = f.params.map((type, i) => {
      const arg = args[i] ?? 0;
      return `(${type}.const ${arg === "out" ? record + 4 : arg})`;
    });
    const call = `(call $${f.module}.${f.name} ${values.join(" ")})`;
    return f.results.length > 0
      ? `(i32.store (i32.const ${record}) ${call})`
      : `(i32.store (i32.const ${record}) (i32.const 0)) ${call}`;
  });
  const reply: FunctionShape & { module: string } = {
    module: "env",
    name: "proxy_send_local_response",
    params: Array.from({ length: 8 }, () => "i32"),
    results: ["i32"],
  };
  return assembled(
    "calls",
    `(module
      ${[...distinct.values(), reply].map((f) => importText(f, `${f.module}.${f.name}`)).join("\n")}
      (memory (export "memory") ${Math.ceil((end + 65536) / 65536)})
      (global $next (mut i32) (i32.const ${Math.ceil(end / 8) * 8}))
      (data (i32.const ${DATA}) "${data.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")
      (func (export "proxy_abi_version_0_2_1"))
      (func (export "malloc") (param $size i32) (result i32)
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get $size))))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (memory.fill (i32.const ${RECORDS}) (i32.const 0xAA) (i32.const ${size}))
        ${steps.join("\n")}
        (drop (call $env.proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0)
          (i32.const ${RECORDS}) (i32.const ${size}) (i32.const 0) (i32.const 0) (i32.const -1)))
        (i32.const 1)))`,
  );
}

/** The body of the answer as results, in the order of the calls. */
export function readResults(body: Buffer): CallResult[] {
  return Array.from({ length: body.length / RECORD }, (_, at) => {
    const record = body.subarray(at * RECORD, (at + 1) * RECORD);
    return { result: record.readInt32LE(0), out: record.subarray(4) };
  });
}
