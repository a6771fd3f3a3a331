import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { CALLBACKS } from "../../host/abi/callbacks";
import { HOSTCALLS } from "../../host/abi/hostcalls";
import { type SignatureRow, wasmParams } from "../../host/abi/signature";
import { WASI } from "../../host/abi/wasi";
import { CALLBACKS as PRUNED } from "../../host/build/callbacks";
import { buildModule } from "../../host/build/index";
import { inspectModule, type ModuleShape } from "../../host/vm/inspect";
import { functionType } from "../../host/vm/wasm-types";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rows: Readonly<Record<string, SignatureRow>> = HOSTCALLS;

/** `declare function name(a: usize, b: i64): i32;` of a file, as name and wasm types. */
function declarations(file: string): Map<string, string> {
  const text = readFileSync(`${root}sdk/${file}`, "utf8");
  const found = new Map<string, string>();
  for (const [, name, params] of text.matchAll(/declare function (\w+)\(([^)]*)\): i32;/g)) {
    const types = [...params!.matchAll(/: (\w+)/g)].map(([, type]) => (type === "i64" ? "i64" : "i32"));
    found.set(name!, functionType(types, ["i32"]));
  }
  expect(found.size).toBe(text.split("declare function").length - 1);
  return found;
}

describe("the SDK's imports and the host's table agree", () => {
  const env = declarations("env.ts");

  test.each([...env].filter(([name]) => rows[name]))("%s", (name, type) => {
    expect(type).toBe(functionType(wasmParams(rows[name]!), ["i32"]));
  });

  test("the SDK declares every function of ABI 0.2.1 that the host has", () => {
    const wanted = Object.entries(rows).filter(([, row]) => row.until === undefined || row.until >= "0.2.1");
    const proxy = wanted.map(([name]) => name).filter((name) => name.startsWith("proxy_"));
    expect(proxy.filter((name) => !env.has(name))).toEqual([]);
  });

  test("WASI", () => {
    for (const [name, type] of declarations("wasi_snapshot_preview1.ts")) {
      const letters = [...WASI[name as keyof typeof WASI]];
      expect([name, type]).toEqual([
        name,
        functionType(
          letters.map((letter) => (letter === "l" ? "i64" : "i32")),
          ["i32"],
        ),
      ]);
    }
  });
});

describe("the SDK's exports and the host's table agree", () => {
  let shape: ModuleShape;
  beforeAll(async () => {
    shape = inspectModule((await buildModule({ entry: `${root}test/sdk/guests/callbacks.ts` })).wasm);
  });

  test("every callback of the SDK has the type the host calls", () => {
    const callbacks: Readonly<Record<string, SignatureRow & { result?: string }>> = CALLBACKS;
    const exported = shape.exports.filter(
      ({ name }) => name.startsWith("proxy_on_") && name !== "proxy_on_memory_allocate",
    );
    expect(exported.map(({ name }) => name).toSorted()).toEqual(
      ["proxy_on_vm_start", ...PRUNED.map(({ callback }) => callback)].toSorted(),
    );
    for (const { name, type } of exported) {
      const row = callbacks[name]!;
      expect([name, type]).toEqual([name, functionType(wasmParams(row), row.result ? ["i32"] : [])]);
    }
  });

  test("version and allocator", () => {
    const types = Object.fromEntries(shape.exports.map(({ name, type }) => [name, type]));
    expect(types).toMatchObject({
      proxy_abi_version_0_2_1: "()->()",
      proxy_on_memory_allocate: "(i32)->(i32)",
      _initialize: "()->()",
    });
    expect(shape.memoryExport).toBe("memory");
  });
});
