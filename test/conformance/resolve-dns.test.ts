import { expect, test } from "vitest";
import { conformance } from "../support/conformance";
import { assembled } from "../support/guests";
import { oneFilter } from "../support/one-filter";
import { exchange } from "../support/raw-client";

/**
 * Asks for the address of what its configuration names, and answers every request with what has come of it: status and
 * token of the call; number, context, token and size of the callbacks; status and length of buffer 8 there; its bytes.
 */
const wasm = assembled(
  "dns",
  `(module
    (import "env" "envoy_resolve_dns" (func $resolve (param i32 i32 i32) (result i32)))
    (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_send_local_response"
      (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 4096))
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param $size i32) (result i32)
      (global.set $free (i32.add (global.get $free) (local.get $size)))
      (i32.sub (global.get $free) (local.get $size)))
    (func (export "proxy_on_configure") (param $context i32) (param $size i32) (result i32)
      (drop (call $buffer (i32.const 7) (i32.const 0) (local.get $size) (i32.const 0) (i32.const 4)))
      (i32.store (i32.const 100) (call $resolve (i32.load (i32.const 0)) (i32.load (i32.const 4)) (i32.const 104)))
      (i32.const 1))
    (func (export "envoy_on_resolve_dns") (param $context i32) (param $token i32) (param $size i32)
      (i32.store (i32.const 108) (i32.add (i32.load (i32.const 108)) (i32.const 1)))
      (i32.store (i32.const 112) (local.get $context))
      (i32.store (i32.const 116) (local.get $token))
      (i32.store (i32.const 120) (local.get $size))
      (i32.store (i32.const 124)
        (call $buffer (i32.const 8) (i32.const 0) (i32.const 1000) (i32.const 0) (i32.const 128)))
      (memory.copy (i32.const 132) (i32.load (i32.const 0)) (i32.load (i32.const 128))))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (drop (call $reply (i32.const 200) (i32.const 0) (i32.const 0)
        (i32.const 100) (i32.add (i32.const 32) (i32.load (i32.const 128))) (i32.const 0) (i32.const 0) (i32.const -1)))
      (i32.const 1)))`,
);

conformance("Names of hosts", ({ engine }) => {
  const ask = async (name: string) => {
    const proxy = await engine.start(oneFilter({ wasm, configuration: name }));
    let body: Buffer = Buffer.alloc(0);
    const callbacks = async () => {
      ({ body } = await exchange(proxy.port()));
      return body.readUInt32LE(8);
    };
    await expect.poll(callbacks, { timeout: 10_000 }).toBe(1);
    const [status, token, , context, told, size, read, length] = Array.from({ length: 8 }, (_, i) =>
      body.readUInt32LE(4 * i),
    );
    const answer = body.subarray(32, 32 + length!);
    return { status, token, context, told, size, read, length, answer };
  };

  const ADDRESSES: [name: string, addresses: string[]][] = [
    ["localhost", ["[::1]:0"]],
    ["127.0.0.1", ["127.0.0.1:0"]],
    ["::1", ["[::1]:0"]],
    ["no-such-host.invalid", []],
    ["", []],
  ];
  for (const [name, addresses] of ADDRESSES)
    test(`envoy_resolve_dns of "${name}": ${addresses.join(", ") || "no address"}`, async () => {
      const { answer, ...facts } = await ask(name);
      // Told to the root, with the token of the question, the first of which is 2.
      const size = answer.length;
      expect(facts).toEqual({ status: 0, token: 2, context: 1, told: 2, size, read: 0, length: size });
      expect(answer.readUInt32LE(0)).toBe(addresses.length);
      // Behind the number how many seconds each may be kept, then the addresses.
      const text = answer.subarray(4 + 4 * addresses.length).toString("latin1");
      expect(text).toBe(addresses.map((address) => `${address}\0`).join(""));
    });
});
