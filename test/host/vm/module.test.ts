import fc from "fast-check";
import { expect, test } from "vitest";
import { ModuleError } from "../../../host/errors";
import { Edits } from "../../../host/vm/edits";
import { inspectModule } from "../../../host/vm/inspect";
import { capMemory } from "../../../host/vm/memory-limit";
import { assemble } from "../../support/assemble";
import { exchange, InMemoryHost } from "../support/in-memory";

const LEAST = `(func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))`;

test("a hostcall that touches memory, in a module that has none, is InvalidMemoryAccess", async () => {
  const wasm = assemble(`(module
    (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
    ${LEAST}
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (if (i32.ne (call $log (i32.const 2) (i32.const 0) (i32.const 1)) (i32.const 6)) (then (unreachable)))
      (i32.const 0)))`);
  const host = new InMemoryHost();
  const plugin = await host.load(wasm, {});
  exchange(plugin, []);
  expect(host.log.join("")).not.toContain("failed");
});

test("a memory's maximum is lowered to 1 GiB, and the way back to the original offsets is known", () => {
  const cases: [memory: string, maximum: number | undefined][] = [
    ["(memory 1)", 16384],
    ["(memory 1 2)", 2],
    ["(memory 1 65536)", 16384],
    ["(memory 16384)", 16384],
    ["", undefined],
  ];
  for (const [memory, maximum] of cases) {
    const bytes = new Uint8Array(assemble(`(module ${LEAST} ${memory} (func (export "f")))`));
    const edits = new Edits();
    capMemory(bytes, edits);
    const limited = edits.apply(bytes);
    const tail = limited.length - 10;
    expect(edits.original(tail)).toBe(bytes.length - 10);
    expect(Buffer.from(limited.subarray(tail))).toEqual(Buffer.from(bytes.subarray(-10)));
    expect(() => new WebAssembly.Module(limited)).not.toThrow();
    const again = new Edits();
    capMemory(limited, again);
    if (maximum !== undefined) expect(Buffer.from(again.apply(limited))).toEqual(Buffer.from(limited));
  }
});

test("whatever the bytes, reading a module ends in a shape or a ModuleError", () => {
  const valid = assemble(`(module (import "env" "m" (memory 1 2))
    (rec (type $f (func (param (ref null $s) v128))) (type $s (sub (struct (field i8)))))
    ${LEAST} (table (export "t") 1 funcref) (func (type $f)))`);
  const damaged = fc
    .tuple(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length))
    .map(([at, byte, end]) => {
      const copy = Uint8Array.from(valid);
      copy[at] = byte;
      return copy.subarray(0, end);
    });
  const header = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const noise = fc.uint8Array({ maxLength: 80 }).map((bytes) => Uint8Array.of(...header, ...bytes));
  fc.assert(
    fc.property(fc.oneof(damaged, noise), (bytes) => {
      for (const read of [() => inspectModule(bytes), () => capMemory(bytes, new Edits())])
        try {
          read();
        } catch (error) {
          expect(error).toBeInstanceOf(ModuleError);
        }
    }),
    { numRuns: 2000 },
  );
});
