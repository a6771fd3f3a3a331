import { expect, test } from "vitest";
import { TestHost } from "../../../host/testing/test-host";
import { assemble } from "../../support/assemble";
import { assembled } from "../../support/guests";
import { InMemoryHost } from "../support/in-memory";

const LEAST = `(memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))`;
const FOR_EVER = "(loop $for_ever (br $for_ever)) (unreachable)";

/** A module of which one callback runs `body`; `start` is called as the plugin is configured. */
function running(callback: string, params: string, result: string, body: string, more = ""): string {
  return assembled(
    "endless",
    `(module
      (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
      ${LEAST} ${more}
      (func $callback (export "${callback}") (param ${params}) ${result} ${body}))`,
  );
}

const inHeaders = (body: string, more = "") =>
  running("proxy_on_request_headers", "i32 i32 i32", "(result i32)", body, more);

test("an endless loop in request headers: 503, one entry names callback, plugin and the guest's stack", async () => {
  const module = inHeaders(
    "(call $outer)",
    `(func $inner ${FOR_EVER}) (func $outer (result i32) (call $inner) (i32.const 0))`,
  );
  const host = await TestHost.start({ plugins: { module, name: "spin" }, maxCallbackMs: 50 });
  expect(host.request().response.status).toBe(503);
  expect(host.request().response.status).toBe(503);
  const [entry, ...more] = host.logs("ran for longer than 50 ms");
  expect(entry?.message).toMatch(/proxy_on_request_headers failed.*plugin "spin"/s);
  expect(entry?.message).toMatch(/in-VM backtrace:\n +0: +0x[0-9a-f]+ - .*\n +1: +0x.*\n +2: +0x/);
  expect(more).toEqual([]);
  host.close();
});

const ENDLESS: [what: string, body: string, more?: string][] = [
  ["a loop with values on the stack", `(i32.add (i32.const 1) (loop $l (result i32) (br $l)))`],
  ["calls without number", "(call $fib (i32.const 90))", FIBONACCI()],
  ["tail calls", "(return_call $again)", "(func $again (result i32) (return_call $again))"],
  [
    "a loop that catches whatever happens in it",
    "(loop $l (try (do (loop $m (br $m))) (catch_all (nop))) (br $l)) (unreachable)",
  ],
];

function FIBONACCI(): string {
  return `(func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))`;
}

test.each(ENDLESS)("%s", async (_, body, more) => {
  const host = await TestHost.start({ plugins: { module: inHeaders(body, more) }, maxCallbackMs: 20 });
  expect(host.request().response.status).toBe(503);
  expect(host.logs("ran for longer than 20 ms")).toHaveLength(1);
  host.close();
});

test("what ends in time is left alone, however often it is called", async () => {
  const module = inHeaders("(call $fib (i32.const 15)) (drop) (i32.const 0)", FIBONACCI());
  const host = await TestHost.start({ plugins: { module }, maxCallbackMs: 1000, trace: false });
  for (let i = 0; i < 200; i++) {
    const exchange = host.request();
    exchange.respond();
    expect(exchange.response.status).toBe(200);
  }
  host.close();
});

test("an endless loop in on_tick: later streams get 503", async () => {
  const configured = `(func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $tick (i32.const 10))) (i32.const 1))`;
  const module = running("proxy_on_tick", "i32", "", FOR_EVER, configured);
  const host = await TestHost.start({ plugins: { module, name: "spin" }, maxCallbackMs: 50 });
  host.advance(20);
  expect(host.logs(/proxy_on_tick failed.*ran for longer than 50 ms/)).not.toEqual([]);
  expect(host.request().response.status).toBe(503);
  host.close();
});

const STARTS = [
  ["_initialize", "(param) ", ""],
  ["_start", "(param) ", ""],
  ["main", "(param i32 i32) (result i32)", '(func (export "_initialize"))'],
] as const;

test.each(STARTS)("%s is limited too", async (name, type, more) => {
  const host = new InMemoryHost({ maxCallbackMs: 20 });
  const module = assemble(`(module ${LEAST} ${more} (func (export "${name}") ${type} ${FOR_EVER}))`);
  await expect(host.load(module)).rejects.toThrow(
    `Function: ${name} failed: Uncaught Error: ran for longer than 20 ms`,
  );
});

test("the test kit has a limit of its own", async () => {
  const host = await TestHost.start({ plugins: { module: inHeaders(FOR_EVER) } });
  expect(host.request().response.status).toBe(503);
  expect(host.logs("ran for longer than 2000 ms")).toHaveLength(1);
  host.close();
});
