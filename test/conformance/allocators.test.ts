import { expect, test } from "vitest";
import { conformance } from "../support/conformance";
import { assembled } from "../support/guests";
import { oneFilter } from "../support/one-filter";
import { exchange } from "../support/raw-client";

/** Reads the request's headers through this allocator; traps unless the status is the one that is wanted. */
function reading(allocator: string, status: number, check = ""): string {
  return assembled(
    "allocator",
    `(module
      (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (global $size (mut i32) (i32.const 0))
      (func (export "proxy_abi_version_0_2_1"))
      (func (export "malloc") (param $size i32) (result i32) ${allocator})
      (func (export "proxy_on_request_headers") (param $context i32) (param $count i32) (param i32) (result i32)
        (if (i32.ne (call $pairs (i32.const 0) (i32.const 0) (i32.const 4)) (i32.const ${status}))
          (then (unreachable)))
        ${check}
        (i32.const 0)))`,
  );
}

/** The block begins with the number of pairs, which the callback was told. */
const HAS_ALL = "(if (i32.ne (i32.load (i32.load (i32.const 0))) (local.get $count)) (then (unreachable)))";
const NOTHING_STORED = "(if (i32.or (i32.load (i32.const 0)) (i32.load (i32.const 4))) (then (unreachable)))";

const CASES: [behaviour: string, allocator: string, status: number, check: string][] = [
  [
    "an allocator that grows the memory: the host writes to the grown one",
    "(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))",
    0,
    HAS_ALL,
  ],
  [
    "an allocator asked for exactly the block's size, at the very end of memory",
    "(i32.sub (i32.const 65536) (local.get $size))",
    0,
    HAS_ALL,
  ],
  ["an address outside memory", "(i32.const 0x7fff0000)", 6, NOTHING_STORED],
  ["the last address there is", "(i32.const -1)", 6, NOTHING_STORED],
  [
    "a block that reaches one byte out of memory",
    "(i32.sub (i32.const 65537) (local.get $size))",
    6,
    NOTHING_STORED,
  ],
  ["address 0: there is no memory to be had", "(i32.const 0)", 6, NOTHING_STORED],
];

conformance("Allocators", ({ engine }) => {
  for (const [behaviour, allocator, status, check] of CASES)
    test(`${behaviour}: status ${status}`, async () => {
      const proxy = await engine.start(oneFilter({ wasm: reading(allocator, status, check) }));
      expect((await exchange(proxy.port())).status).toBe(200);
    });

  test("addresses for the result that are outside memory: status 6, after the allocation", async () => {
    const wasm = assembled(
      "outside",
      `(module
        (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (global $asked (mut i32) (i32.const 0))
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32)
          (global.set $asked (i32.const 1))
          (i32.const 1024))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (if (i32.ne (call $pairs (i32.const 0) (i32.const 65536) (i32.const 4)) (i32.const 6))
            (then (unreachable)))
          (if (i32.eqz (global.get $asked)) (then (unreachable)))
          (i32.const 0)))`,
    );
    const proxy = await engine.start(oneFilter({ wasm }));
    expect((await exchange(proxy.port())).status).toBe(200);
  });
});
