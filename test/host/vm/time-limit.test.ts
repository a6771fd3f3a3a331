import { expect, test } from "vitest";
import { TestHost } from "../../../host/testing/test-host";
import { assembled } from "../../support/guests";

/** Never comes back from one callback; `start` is called as the plugin is configured. */
function endless(callback: string, params: string, result: string, start = ""): string {
  return assembled(
    "endless",
    `(module
      (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "proxy_abi_version_0_2_1"))
      (func (export "malloc") (param i32) (result i32) (i32.const 1024))
      (func (export "proxy_on_configure") (param i32 i32) (result i32) ${start} (i32.const 1))
      (func (export "${callback}") (param ${params}) ${result} (loop $for_ever (br $for_ever)) (unreachable)))`,
  );
}

test("an endless loop in request headers: 503, one entry names callback and plugin", async () => {
  const module = endless("proxy_on_request_headers", "i32 i32 i32", "(result i32)");
  const host = await TestHost.start({ plugins: { module, name: "spin" }, maxCallbackMs: 50 });
  expect(host.request().response.status).toBe(503);
  expect(host.request().response.status).toBe(503);
  const [entry, ...more] = host.logs("ran for longer than 50 ms");
  expect(entry?.message).toMatch(/proxy_on_request_headers failed.*plugin "spin"/s);
  expect(more).toEqual([]);
  host.close();
});

test("an endless loop in on_tick: later streams get 503", async () => {
  const module = endless("proxy_on_tick", "i32", "", "(drop (call $tick (i32.const 10)))");
  const host = await TestHost.start({ plugins: { module, name: "spin" }, maxCallbackMs: 50 });
  host.advance(20);
  expect(host.logs(/proxy_on_tick failed.*ran for longer than 50 ms/)).not.toEqual([]);
  expect(host.request().response.status).toBe(503);
  host.close();
});
