import { deflateSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Context } from "../../../host/context/context";
import { FOREIGN_FUNCTIONS } from "../../../host/hostcalls/foreign/table";
import type { PropertyScope } from "../../../host/stores/properties";
import { Status } from "../../../sdk/abi/status";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);

/** As much of a root context as foreign functions touch. */
function root(): Context {
  const scope: PropertyScope = { plugin: { name: "n", rootId: "r", vmId: "v", node: {} }, stream: undefined };
  const context = { properties: () => scope, clearRouteCache() {}, declareProperty: () => true };
  return Object.assign(context, { root: context }) as unknown as Context;
}

function call(name: string, argument: Buffer | string, context = root()): Buffer | Status {
  return FOREIGN_FUNCTIONS[name]!({ context, caller: context, argument: Buffer.from(argument as string) });
}

describe("foreign functions are bounded", () => {
  test("uncompress stops at 64 MiB", () => {
    const fits = deflateSync(Buffer.alloc(64 * 1024 * 1024));
    const larger = deflateSync(Buffer.alloc(64 * 1024 * 1024 + 1));
    expect(call("uncompress", fits)).toHaveLength(64 * 1024 * 1024);
    expect(call("uncompress", larger)).toBe(Status.InternalFailure);
  });

  test("a root has at most 10 000 expressions, and a deleted one makes room", () => {
    const context = root();
    for (let i = 0; i < 10_000; i++) expect(call("expr_create", "1", context)).toHaveLength(4);
    expect(call("expr_create", "1", context)).toBe(Status.InternalFailure);
    expect(call("expr_delete", Buffer.alloc(4), context)).toHaveLength(0);
    expect(call("expr_create", "1", context)).toHaveLength(4);
  });

  test("expressions that are long or deep are refused or work, and never throw", () => {
    expect(call("expr_create", `'${"x".repeat(100_000)}'`)).toBe(Status.BadArgument);
    for (const depth of [100, 1000, 10_000])
      for (const [open, close] of [
        ["(", ")"],
        ["[", "]"],
        ["!", ""],
        ["{1:", "}"],
        ["[1].map(x,", ")"],
      ]) {
        const context = root();
        const made = call("expr_create", `${open!.repeat(depth)}true${close!.repeat(depth)}`, context);
        if (typeof made !== "number") call("expr_evaluate", made, context);
      }
  });
});

test(`random arguments never throw (FUZZ_SEED=${seed})`, () => {
  void fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(FOREIGN_FUNCTIONS)),
      fc.uint8Array({ maxLength: 200 }),
      (name, bytes) => {
        call(name, Buffer.from(bytes));
      },
    ),
    { seed, numRuns: 1000 },
  );
});
