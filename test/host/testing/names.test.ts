import { expect, test } from "vitest";
import { TestHost } from "../../../host/testing/test-host";
import { assembled } from "../../support/guests";

const module = assembled(
  "names",
  `(module
    (import "env" "envoy_resolve_dns" (func $resolve (param i32 i32 i32) (result i32)))
    (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "db.internal")
    (data (i32.const 80) "constructor")
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32) (i32.const 1024))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (drop (call $resolve (i32.const 64) (i32.const 11) (i32.const 0)))
      (drop (call $resolve (i32.const 80) (i32.const 11) (i32.const 0)))
      (drop (call $resolve (i32.const 64) (i32.const 11) (i32.const 65536)))
      (drop (call $resolve (i32.const 65530) (i32.const 11) (i32.const 0)))
      (i32.const 1))
    (func (export "envoy_on_resolve_dns") (param i32 i32 i32)
      (drop (call $buffer (i32.const 8) (i32.const 0) (i32.const 1000) (i32.const 0) (i32.const 4)))))`,
);

test("names of hosts are what the test says, and the trace shows questions and answers", async () => {
  const host = await TestHost.start({
    plugins: { module },
    names: { "db.internal": ["10.0.0.7", "fd00::7"] },
  });
  const lines = host.trace.map((line) => line.replace(/^.*?(?=[=<])/, ""));
  // The canary, the main thread and a worker each ask.
  expect(lines).toContain('==> envoy_resolve_dns(name="db.internal") <== OK 2');
  expect(lines).toContain('==> envoy_resolve_dns(name="constructor") <== OK 3');
  expect(lines.filter((line) => line.includes("InvalidMemoryAccess"))).not.toEqual([]);
  const answers = lines.filter((line) => line.includes("proxy_get_buffer_bytes"));
  expect(answers.some((line) => line.includes("10.0.0.7:0") && line.includes("[fd00::7]:0"))).toBe(true);
  host.close();
});
