import { expect, test } from "vitest";
import type { AbiVersion } from "../../host/abi/version";
import { WASI_MODULES } from "../../host/abi/wasi";
import { ProxyWasmError } from "../../host/errors";
import { bootstrap, httpListener, type Json, wasmFilter } from "../support/bootstrap";
import { callModule, readResults } from "../support/call-module";
import { conformance } from "../support/conformance";
import { assembled } from "../support/guests";
import { oneFilter } from "../support/one-filter";
import { exchange } from "../support/raw-client";
import {
  EMSCRIPTEN,
  hostcallImports,
  type ImportShape,
  importText,
  tableModule,
  wasiImports,
  zeroCall,
} from "../support/table-module";

/** Every host function a module of ABI 0.2.1 can import. */
const FUNCTIONS: readonly ImportShape[] = [...hostcallImports("0.2.1"), ...EMSCRIPTEN, ...wasiImports()];

const NAMES = new Set(FUNCTIONS.map(({ name }) => name));

const AT_START = new Set([
  "proxy_log",
  "emscripten_notify_memory_growth",
  ...wasiImports().map(({ name }) => name),
]);
for (const name of ["proc_exit", "sched_yield", "fd_read", "fd_seek", "fd_close", "path_open"])
  AT_START.delete(name);

const IN_ALLOCATOR = new Set(["proxy_log", "fd_write", "clock_time_get", "poll_oneoff"]);

const only = (...names: string[]): Json => ({
  capability_restriction_config: {
    allowed_capabilities: Object.fromEntries(names.map((name) => [name, {}])),
  },
});

conformance("Restricted calls", ({ engine }) => {
  const inStartCode = (functions: readonly ImportShape[], version: AbiVersion = "0.2.1") =>
    tableModule({
      version,
      imports: functions,
      more: `(func (export "_initialize") ${functions.map(zeroCall).join(" ")})`,
    });

  test(`start code may call ${[...AT_START].slice(0, 2).join(", ")} and most of WASI`, async () => {
    const legal = FUNCTIONS.filter(({ name }) => AT_START.has(name));
    expect(legal.length).toBe(AT_START.size);
    await engine.start(oneFilter({ wasm: inStartCode(legal) }));
  });

  for (const f of FUNCTIONS.filter(({ name }) => !AT_START.has(name)))
    test(`start code may not call ${f.name}: the module is refused`, async () => {
      await expect(engine.start(oneFilter({ wasm: inStartCode([f]) }))).rejects.toBeInstanceOf(
        ProxyWasmError,
      );
    });

  for (const f of hostcallImports("0.1.0").filter(({ name }) => !NAMES.has(name)))
    test(`start code of ABI 0.1.0 may not call ${f.name}: the module is refused`, async () => {
      const wasm = inStartCode([f], "0.1.0");
      await expect(engine.start(oneFilter({ wasm }))).rejects.toBeInstanceOf(ProxyWasmError);
    });

  test(`the allocator may call ${[...IN_ALLOCATOR].join(", ")} and nothing else: the VM is failed`, async () => {
    const listeners = FUNCTIONS.map((f) => {
      const filters = [wasmFilter({ name: f.name, rootId: f.name, vmId: f.name, wasm: allocating(f) })];
      const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
      return httpListener({ name: f.name, filters, routes });
    });
    const proxy = await engine.start(bootstrap({ listeners, clusters: [] }));
    const legal: string[] = [];
    for (const { name } of FUNCTIONS) if ((await exchange(proxy.port(name))).status === 200) legal.push(name);
    expect(new Set(legal)).toEqual(IN_ALLOCATOR);
  });

  /** Calls the function from its allocator, while the host wants to hand it the headers of a request. */
  function allocating(f: ImportShape): string {
    const pairs = hostcallImports().find(({ name }) => name === "proxy_get_header_map_pairs")!;
    const imports = f.name === pairs.name ? [pairs] : [pairs, f];
    return assembled(
      "allocating",
      `(module ${imports.map((i) => importText(i)).join("\n")}
        (memory (export "memory") 1)
        (func (export "proxy_abi_version_0_2_1"))
        (global $nested (mut i32) (i32.const 0))
        (func (export "malloc") (param i32) (result i32)
          (if (i32.eqz (global.get $nested)) (then (global.set $nested (i32.const 1)) ${zeroCall(f)}))
          (i32.const 1024))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $${pairs.name} (i32.const 0) (i32.const 0) (i32.const 4)))
          (i32.const 0)))`,
    );
  }

  test("a hostcall that needs memory answers InvalidMemoryAccess when the allocator traps", async () => {
    const wasm = assembled(
      "trapping-allocator",
      `(module
        (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "status 0")
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (unreachable))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (i32.store8 (i32.const 23)
            (i32.add (i32.const 48) (call $pairs (i32.const 0) (i32.const 0) (i32.const 4))))
          (drop (call $log (i32.const 2) (i32.const 16) (i32.const 8)))
          (i32.const 0)))`,
    );
    const proxy = await engine.start(oneFilter({ wasm }));
    expect((await exchange(proxy.port())).status).toBe(503);
    await proxy.log.waitFor(
      (lines) => lines.find(({ message }) => message.endsWith(": status 6")),
      "status 6",
    );
  });
});

conformance("Capabilities", ({ engine }) => {
  test("none allowed: every hostcall is InternalFailure, every WASI function NOTCAPABLE, those of emscripten work", async () => {
    // The answer itself has to get out.
    const allowed = only("proxy_on_request_headers", "proxy_send_local_response");
    const functions = [
      ...hostcallImports("0.2.1"),
      ...EMSCRIPTEN,
      ...WASI_MODULES.flatMap((m) => wasiImports(m)),
    ].filter(({ name, results }) => name !== "proxy_send_local_response" && results.length > 0);
    const wasm = callModule(functions.map((f) => ({ function: f, args: [] })));
    const proxy = await engine.start(oneFilter({ wasm, plugin: allowed }));
    const results = readResults((await exchange(proxy.port())).body).map(({ result }) => result);
    // Envoy's own are not restricted.
    const wanted = (f: ImportShape) => {
      if (f.module !== "env") return 76;
      if (f.name.startsWith("envoy_")) return 0;
      return f.name.startsWith("proxy_") ? 10 : 1;
    };
    expect(results.map((result, i) => [functions[i]!.name, result])).toEqual(
      functions.map((f) => [f.name, wanted(f)]),
    );
  });

  test("a forbidden call is logged as an error, with its name", async () => {
    const [clock] = wasiImports().filter(({ name }) => name === "clock_res_get");
    const [done] = hostcallImports("0.2.1").filter(({ name }) => name === "proxy_done");
    const wasm = callModule([clock!, done!].map((f) => ({ function: f, args: [] })));
    const allowed = only("proxy_on_request_headers", "proxy_send_local_response");
    const proxy = await engine.start(oneFilter({ wasm, plugin: allowed }));
    await exchange(proxy.port());
    for (const name of ["WASI capability: clock_res_get", "proxy-wasm capability: proxy_done"]) {
      const text = `Attempted call to restricted ${name}`;
      const line = await proxy.log.waitFor((lines) => lines.find(({ message }) => message === text), text);
      expect(line).toMatchObject({ level: "error", component: "wasm" });
    }
  });

  test("a forbidden callback is as if it were not there", async () => {
    const [done] = hostcallImports("0.2.1").filter(({ name }) => name === "proxy_done");
    const wasm = callModule([{ function: done!, args: [] }]);
    const forbidden = await engine.start(oneFilter({ wasm, plugin: only("proxy_send_local_response") }));
    expect((await exchange(forbidden.port())).body.length).toBe(0);
    const allowed = await engine.start(oneFilter({ wasm }));
    expect((await exchange(allowed.port())).body.length).toBeGreaterThan(0);
  });

  test("an empty list allows everything", async () => {
    const [done] = hostcallImports("0.2.1").filter(({ name }) => name === "proxy_done");
    const wasm = callModule([{ function: done!, args: [] }]);
    const proxy = await engine.start(oneFilter({ wasm, plugin: only() }));
    const [result] = readResults((await exchange(proxy.port())).body);
    expect(result!.result).toBe(1);
  });

  test("allocator and start code are never restricted", async () => {
    const pairs = hostcallImports().find(({ name }) => name === "proxy_get_header_map_pairs")!;
    const wasm = tableModule({
      version: "0.2.1",
      imports: [pairs],
      more: `(global $ready (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $ready (i32.const 1)))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (if (i32.eqz (global.get $ready)) (then (unreachable)))
          (if (call $${pairs.name} (i32.const 0) (i32.const 0) (i32.const 4)) (then (unreachable)))
          (if (i32.ne (i32.load (i32.const 0)) (i32.const 65536)) (then (unreachable)))
          (i32.const 0))`,
    });
    const proxy = await engine.start(
      oneFilter({ wasm, plugin: only("proxy_on_request_headers", pairs.name) }),
    );
    expect((await exchange(proxy.port())).status).toBe(200);
  });
});
