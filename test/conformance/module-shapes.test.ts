import { expect, test } from "vitest";
import { ProxyWasmError } from "../../host/errors";
import type { Json } from "../support/bootstrap";
import { conformance } from "../support/conformance";
import { assembled } from "../support/guests";
import { oneFilter } from "../support/one-filter";
import { exchange } from "../support/raw-client";

/** The least that every host wants; the cases leave out or add. */
const MARKER = '(func (export "proxy_abi_version_0_2_1"))';
const MALLOC = '(func (export "malloc") (param i32) (result i32) (i32.const 1024))';
const PROXY_MALLOC = '(func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))';
const MEMORY = '(memory (export "memory") 1)';
const LOG = '(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))';
const PLAIN = [MARKER, MALLOC, MEMORY];

/** A function that logs `text` and returns `result`. */
function saying(name: string, text: string, type = "", result = ""): string {
  const at = text.charCodeAt(0) * 16;
  const log = `(drop (call $log (i32.const 2) (i32.const ${at}) (i32.const ${text.length})))`;
  return `(data (i32.const ${at}) "${text}") (func (export "${name}") ${type} ${log} ${result})`;
}
const INITIALIZE = saying("_initialize", "initialize");
const START = saying("_start", "start");
const MAIN = saying("main", "main", "(param i32 i32) (result i32)", "(i32.const 1)");
const MAIN_VOID = saying("__main_void", "void", "(result i32)", "(i32.const 1)");

/** Traps unless memory grows to exactly 1 GiB. */
const GROWS = `(func (export "_initialize")
  (if (i32.eq (memory.grow (i32.const 16383)) (i32.const -1)) (then (unreachable)))
  (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable))))`;

/** Says which memory the host reads. */
const TWO = '(data (memory $a) (i32.const 0) "FIRST") (data (memory $b) (i32.const 0) "SECND")';
const READS = `${TWO} (func (export "_initialize") (drop (call $log (i32.const 2) (i32.const 0) (i32.const 5))))`;

type Case = [behaviour: string, module: readonly string[], plugin?: Json];

const only = (...names: string[]): Json => ({
  capability_restriction_config: {
    allowed_capabilities: Object.fromEntries(names.map((name) => [name, {}])),
  },
});

const LOADS: Case[] = [
  ["no memory at all, as long as no hostcall needs one", [MARKER, MALLOC]],
  ["a memory that is not exported counts as none", [MARKER, MALLOC, "(memory 1)"]],
  ["a memory exported under another name", [MARKER, MALLOC, '(memory (export "mem") 1)']],
  ["an imported memory", ['(import "env" "memory" (memory 1))', MARKER, MALLOC]],
  ["an imported memory of any module and name", ['(import "x" "y" (memory 1))', MARKER, MALLOC]],
  ["an imported memory of any size and limit", ['(import "env" "memory" (memory 300 400))', MARKER, MALLOC]],
  [
    "an imported memory that is exported again",
    ['(import "env" "memory" (memory 1))', '(export "memory" (memory 0))', MARKER, MALLOC],
  ],
  ["memory grows to 1 GiB and no further", [...PLAIN, GROWS]],
  [
    "imported memory grows to 1 GiB and no further",
    ['(import "env" "memory" (memory 1 65536))', MARKER, MALLOC, GROWS],
  ],
  ["an imported table", ['(import "env" "t" (table 1 funcref))', ...PLAIN]],
  ["an exported table", [...PLAIN, '(table (export "t") 1 funcref)']],
  [
    "floats, 64-bit numbers and references in an export",
    [
      ...PLAIN,
      '(func (export "f") (param f32 f64 externref (ref func)) (result i64 funcref) (tuple.make 2 (i64.const 1) (ref.null func)))',
    ],
  ],
  [
    "a callback's name on something that is no function",
    [...PLAIN, '(global (export "proxy_on_log") i32 (i32.const 1))'],
  ],
  ["an unknown proxy_on_ name of any type", [...PLAIN, '(func (export "proxy_on_nonsense") (param i64))']],
  [
    "a callback of a wrong type that is not among the allowed capabilities",
    [...PLAIN, '(func (export "proxy_on_request_headers") (param i64))'],
    only("proxy_log"),
  ],
  [
    "malloc as a global: proxy_on_memory_allocate is the allocator",
    [MARKER, MEMORY, '(global (export "malloc") i32 (i32.const 1))', PROXY_MALLOC],
  ],
  [
    "proxy_on_memory_allocate of a wrong type beside malloc",
    [...PLAIN, '(func (export "proxy_on_memory_allocate") (param i64))'],
  ],
  ["an unknown version marker before a known one", ['(func (export "proxy_abi_version_0_3_0"))', ...PLAIN]],
  [
    "a version marker of any function type",
    ['(func (export "proxy_abi_version_0_2_1") (param i64) (result i32) (i32.const 1))', MALLOC, MEMORY],
  ],
  [
    "_start of a wrong type beside _initialize",
    [...PLAIN, '(func (export "_initialize")) (func (export "_start") (param i32))'],
  ],
  ["main of a wrong type without _initialize", [...PLAIN, '(func (export "main") (param i32))']],
  [
    "a start section without hostcalls",
    [...PLAIN, "(func $s (i32.store (i32.const 0) (i32.const 1))) (start $s)"],
  ],
  [
    "emscripten_notify_memory_growth in start code",
    [
      '(import "env" "emscripten_notify_memory_growth" (func $n (param i32)))',
      '(import "env" "pthread_equal" (func (param i32 i32) (result i32)))',
      ...PLAIN,
      '(func (export "_initialize") (call $n (i32.const 1)))',
    ],
  ],
  [
    "vectors, tail calls, exceptions and types of the GC proposal inside",
    [
      "(rec (type $f (func (param (ref null $s)))) (type $s (sub (struct (field i8) (field (mut i32))))))",
      ...PLAIN,
      "(tag $t (param i32))",
      "(func $v (result v128) (v128.const i32x4 1 2 3 4))",
      "(func $a (result i32) (return_call $b)) (func $b (result i32) (i32.const 1))",
      "(func $e (result i32) (block $h (result i32) (try_table (catch $t $h) (throw $t (i32.const 1))) (i32.const 2)))",
      "(func $g (type $f))",
    ],
  ],
];

const REFUSED: Case[] = [
  ["an empty module", []],
  [
    "a global as version marker",
    ['(global (export "proxy_abi_version_0_2_1") i32 (i32.const 1))', MALLOC, MEMORY],
  ],
  [
    "malloc of a wrong type, even beside a good proxy_on_memory_allocate",
    [MARKER, MEMORY, PROXY_MALLOC, '(func (export "malloc") (param i64) (result i32) (i32.const 1024))'],
  ],
  ["_initialize with a result", [...PLAIN, '(func (export "_initialize") (result i32) (i32.const 0))']],
  ["_start with a parameter", [...PLAIN, '(func (export "_start") (param i32))']],
  [
    "main of a wrong type beside _initialize",
    [...PLAIN, '(func (export "_initialize")) (func (export "main") (param i32))'],
  ],
  [
    "__main_void of a wrong type beside _initialize, even if main is right",
    [LOG, ...PLAIN, INITIALIZE, MAIN, '(func (export "__main_void"))'],
  ],
  ["a trap in _initialize", [...PLAIN, '(func (export "_initialize") (unreachable))']],
  ["a trap in _start", [...PLAIN, '(func (export "_start") (unreachable))']],
  [
    "a trap in main",
    [
      ...PLAIN,
      '(func (export "_initialize")) (func (export "main") (param i32 i32) (result i32) (unreachable))',
    ],
  ],
  ["a trap in the start section", [...PLAIN, "(func $s (unreachable)) (start $s)"]],
  [
    "a hostcall in the start section, even proxy_log",
    [LOG, ...PLAIN, "(func $s (drop (call $log (i32.const 2) (i32.const 0) (i32.const 1)))) (start $s)"],
  ],
  ["data outside memory", [...PLAIN, '(data (i32.const 65536) "x")']],
  ["more than 1 GiB of memory from the start", [MARKER, MALLOC, '(memory (export "memory") 16385)']],
  ["more than 1 GiB of imported memory", ['(import "env" "memory" (memory 16385))', MARKER, MALLOC]],
  ["an imported shared memory", ['(import "env" "memory" (memory 1 2 shared))', MARKER, MALLOC]],
  ["an imported global", ['(import "env" "g" (global i32))', ...PLAIN]],
  ["an imported tag", ['(import "env" "t" (tag))', ...PLAIN]],
  ["an exported tag", [...PLAIN, '(tag (export "t"))']],
  [
    "a vector in the type of an export",
    [...PLAIN, '(func (export "v") (result v128) (v128.const i32x4 1 2 3 4))'],
  ],
  ["a vector in an exported global", [...PLAIN, '(global (export "v") v128 (v128.const i32x4 1 2 3 4))']],
  ["a type of the GC proposal in the type of an export", [...PLAIN, '(func (export "v") (param anyref))']],
  [
    "a typed function reference in the type of an export",
    ["(type $t (func))", ...PLAIN, '(func (export "v") (param (ref null $t)))'],
  ],
  ["an exception reference in the type of an export", [...PLAIN, '(func (export "v") (param exnref))']],
  [
    "an import that does not exist, even if no capability allows it",
    ['(import "env" "nonsense" (func))', ...PLAIN],
    only("proxy_log"),
  ],
  [
    "an import of a wrong type, even if no capability allows it",
    ['(import "env" "proxy_done" (func (param i32)))', ...PLAIN],
    only("proxy_log"),
  ],
  [
    "a tolerated function of emscripten of another type",
    ['(import "env" "pthread_equal" (func (param i32) (result i32)))', ...PLAIN],
  ],
  [
    "pthread_equal in start code",
    [
      '(import "env" "pthread_equal" (func $p (param i32 i32) (result i32)))',
      ...PLAIN,
      '(func (export "_initialize") (drop (call $p (i32.const 1) (i32.const 1))))',
    ],
  ],
  ["envoy_on_resolve_dns of a wrong type", [...PLAIN, '(func (export "envoy_on_resolve_dns") (param i64))']],
  [
    "envoy_on_stats_update of a wrong type",
    [...PLAIN, '(func (export "envoy_on_stats_update") (param i64))'],
  ],
  ["text that is no module", ["(malformed"]],
];

/** What start code is run, in order. */
const ORDERS: [behaviour: string, exports: readonly string[], said: readonly string[]][] = [
  [
    "_initialize and main, not _start or __main_void",
    [INITIALIZE, START, MAIN, MAIN_VOID],
    ["initialize", "main"],
  ],
  [
    "_initialize and __main_void where there is no main",
    [INITIALIZE, START, MAIN_VOID],
    ["initialize", "void"],
  ],
  ["_start alone where there is no _initialize", [START, MAIN, MAIN_VOID], ["start"]],
  ["nothing where there is neither", [MAIN, MAIN_VOID], []],
];

conformance("Shapes of modules", ({ engine }) => {
  function start(parts: readonly string[], plugin?: Json) {
    const text = parts[0] === "(malformed" ? undefined : `(module ${parts.join("\n")})`;
    const wasm = text === undefined ? new URL(import.meta.url).pathname : assembled("shape", text);
    return engine.start(oneFilter({ wasm, ...(plugin && { plugin }) }));
  }

  for (const [behaviour, parts, plugin] of LOADS)
    test(`loads: ${behaviour}`, async () => {
      const proxy = await start(parts, plugin);
      expect((await exchange(proxy.port())).status).toBe(200);
    });

  for (const [behaviour, parts, plugin] of REFUSED)
    test(`is refused: ${behaviour}`, async () => {
      await expect(start(parts, plugin)).rejects.toBeInstanceOf(ProxyWasmError);
    });

  for (const [behaviour, exports, said] of ORDERS)
    test(`start code: ${behaviour}`, async () => {
      await start([LOG, ...PLAIN, ...exports]);
      expect(startCode()).toEqual(said);
    });

  test("result of main does not matter; start code runs in the base VM, the canary, and one VM each for main thread and worker", async () => {
    const proxy = await start([LOG, ...PLAIN, INITIALIZE, MAIN]);
    // A request comes after everything that start-up does.
    await exchange(proxy.port());
    expect(messages().filter((m) => m === "main").length).toBe(4);
  });

  test("of two exported memories the host reads the last", async () => {
    await start([LOG, MARKER, MALLOC, '(memory $a (export "m1") 1) (memory $b (export "m2") 1)', READS]);
    expect(startCode()).toEqual(["SECND"]);
  });

  test("of an imported and an exported memory the host reads the exported one", async () => {
    await start([
      LOG,
      '(import "env" "memory" (memory $a 1))',
      MARKER,
      MALLOC,
      '(memory $b (export "m2") 1)',
      READS,
    ]);
    expect(startCode()).toEqual(["SECND"]);
  });

  function messages(): string[] {
    return engine.lastLog.lines.flatMap(({ message }) => /^wasm log: (.*)$/.exec(message)?.[1] ?? []);
  }

  /** What start code has said in one VM. */
  function startCode(): string[] {
    return [...new Set(messages())];
  }
});
