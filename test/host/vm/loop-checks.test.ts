import { globSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Edits } from "../../../host/vm/edits";
import { inspectModule } from "../../../host/vm/inspect";
import { addLoopChecks } from "../../../host/vm/loop-checks";
import { TimeLimit } from "../../../host/vm/time-limit";
import { assemble } from "../../support/assemble";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);

function checked(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const edits = new Edits();
  addLoopChecks(bytes, inspectModule(bytes), edits);
  return edits.apply(bytes);
}

/** Modules that import globals or tags are refused before. */
function linkable(bytes: Uint8Array): boolean {
  if (!WebAssembly.validate(bytes)) return false;
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  return imports.every(({ kind }) => kind === "function" || kind === "memory" || kind === "table");
}

test("every module of this project is valid with checks", () => {
  const files = globSync([
    "build/{filters,examples,test-guests}/*.wasm",
    "{test/interop,bench/guests}/**/*.wasm",
  ]);
  const modules = files.map((file) => new Uint8Array(readFileSync(file))).filter(linkable);
  // In a fresh clone those of filters, examples and other SDKs.
  expect(modules.length).toBeGreaterThan(12);
  for (const bytes of modules) {
    const wasm = checked(bytes);
    expect(WebAssembly.validate(wasm)).toBe(true);
    // Sections that were there are there, and a function of the same index has the same type.
    expect(inspectModule(wasm)).toEqual(inspectModule(bytes));
  }
});

const FEATURES: [what: string, text: string][] = [
  ["nothing but the least", '(func (export "f"))'],
  ["tables, elements, start", "(table 2 funcref) (elem (i32.const 0) $f $f) (func $f) (start $f)"],
  [
    "an imported table and memory",
    '(import "a" "t" (table 1 funcref)) (import "a" "m" (memory 1)) (func (export "f") (loop))',
  ],
  [
    "globals and data",
    '(global (mut i64) (i64.const 1)) (memory 1) (data (i32.const 0) "abc") (func (loop))',
  ],
  [
    "passive data",
    '(memory 1) (data $d "abc") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (loop))',
  ],
  ["SIMD", "(func (result v128) (loop (result v128) (i32x4.splat (i32.const 1))))"],
  ["exceptions", "(tag $e (param i32)) (func (loop (try (do (throw $e (i32.const 1))) (catch $e (drop)))))"],
  [
    "GC types",
    "(rec (type $s (struct (field i32))) (type $f (func (result (ref null $s))))) (func (type $f) (loop (result (ref null $s)) (ref.null $s)))",
  ],
  [
    "values in and out of loops",
    "(func (result i32 i64) (i32.const 1) (loop (param i32) (result i32 i64) (i64.const 2)))",
  ],
  ["code that is never reached", "(func (result i32) (return (i32.const 1)) (loop (br 0)) (unreachable))"],
];

test.each(FEATURES)("%s", (_, text) => {
  const bytes = new Uint8Array(assemble(`(module ${text})`));
  expect(WebAssembly.validate(bytes)).toBe(true);
  expect(WebAssembly.validate(checked(bytes))).toBe(true);
});

/** Text of programs that end: three variables, and loops that count down a variable of their own. */
class Programs {
  private loops = 0;

  statement(depth: number): fc.Arbitrary<string> {
    const value = fc.oneof(
      fc.integer({ min: -9, max: 9 }).map((n) => `(i32.const ${n})`),
      fc.constantFrom("(local.get $x)", "(local.get $y)", "(local.get $z)", "(call $next (local.get $x))"),
    );
    const operator = fc.constantFrom("add", "sub", "mul", "xor", "lt_s", "shl");
    const set = fc
      .tuple(fc.constantFrom("$x", "$y", "$z"), operator, value, value)
      .map(([name, op, a, b]) => `(local.set ${name} (i32.${op} ${a} ${b}))`);
    if (depth === 0) return set;
    const inner = fc.array(this.statement(depth - 1), { maxLength: 3 }).map((list) => list.join(" "));
    return fc.oneof(
      set,
      fc.tuple(inner, value, inner).map(([a, cond, b]) => `(block ${a} (br_if 0 ${cond}) ${b})`),
      fc.tuple(value, inner, inner).map(([cond, a, b]) => `(if ${cond} (then ${a}) (else ${b}))`),
      fc.tuple(value, inner, inner).map(([at, a, b]) => `(block (block (br_table 0 1 0 ${at}) ${a}) ${b})`),
      fc.tuple(fc.nat(4), inner).map(([turns, body]) => {
        const count = `$n${this.loops++ % 8}_${depth}`;
        return `(local.set ${count} (i32.const ${turns})) (loop ${body}
          (br_if 0 (i32.gt_s (local.tee ${count} (i32.sub (local.get ${count}) (i32.const 1))) (i32.const 0))))`;
      }),
    );
  }

  module(): fc.Arbitrary<string> {
    const locals = [1, 2, 3].flatMap((depth) =>
      Array.from({ length: 8 }, (_, i) => `(local $n${i}_${depth} i32)`),
    );
    const body = fc.array(this.statement(3), { maxLength: 4 }).map((list) => list.join("\n"));
    return body.map(
      (code) => `(module
        (func $next (param $a i32) (result i32) (i32.rotl (i32.add (local.get $a) (i32.const 77)) (i32.const 3)))
        (func (export "run") (param $x i32) (param $y i32) (result i32) (local $z i32) ${locals.join(" ")}
          ${code} (i32.add (local.get $x) (i32.mul (local.get $y) (local.get $z)))))`,
    );
  }
}

test(`programs answer the same with checks in them (FUZZ_SEED=${seed})`, { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(new Programs().module(), fc.integer(), fc.integer(), (text, x, y) => {
      const bytes = new Uint8Array(assemble(text));
      const [plain, watched] = [bytes, checked(bytes)].map(
        (wasm) => new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports,
      );
      const limit = new TimeLimit(60_000);
      limit.watch(watched!);
      const run = (exports: Record<string, unknown>) =>
        (exports.run as (x: number, y: number) => number)(x, y);
      for (let i = 0; i < 300; i++) {
        limit.begin();
        run(watched!);
      }
      expect(run(watched!)).toBe(run(plain!));
    }),
    { seed, numRuns: 150 },
  );
});
