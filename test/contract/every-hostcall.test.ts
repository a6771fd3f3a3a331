import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import binaryen from "assemblyscript/binaryen";
import { beforeAll, describe, expect, test } from "vitest";
import { HOSTCALLS } from "../../host/abi/hostcalls";
import { type SignatureRow, wasmParams } from "../../host/abi/signature";
import { type AbiVersion, inVersion } from "../../host/abi/version";
import { inspectModule } from "../../host/vm/inspect";
import { functionType } from "../../host/vm/wasm-types";
import { compile } from "../support/compile";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Names of the package's newest version: what filters import. */
const CURRENT: AbiVersion = "0.2.1";

const TYPES = new Map([
  [binaryen.i32, "i32"],
  [binaryen.i64, "i64"],
]);

/** A module that calls everything sdk/env.ts declares, written and compiled here. */
async function everything(): Promise<Uint8Array> {
  const declared = [
    ...readFileSync(`${root}sdk/env.ts`, "utf8").matchAll(/declare function (\w+)\(([^)]*)\)/g),
  ];
  const calls = declared.map(([, name, params]) => {
    const zeros = [...params!.matchAll(/: \w+/g)].map(() => "0");
    return `export function call_${name}(): void { env.${name}(${zeros.join(", ")}); }`;
  });
  const source = `import "../guests/abort";\nimport * as env from "../../sdk/env";\n${calls.join("\n")}\n`;
  const entry = "test/contract/everything.ts";
  return compile(entry, ["--runtime", "stub", "--use", "abort=test/guests/abort/onAbort"], {
    [entry]: source,
  });
}

describe("a module that calls all of sdk/env.ts, read back by Binaryen", () => {
  let wasm: Uint8Array;
  let imports: Map<string, string>;
  beforeAll(async () => {
    wasm = await everything();
    const module = binaryen.readBinary(wasm);
    imports = new Map();
    for (let at = 0; at < module.getNumFunctions(); at++) {
      const { module: from, base, params, results } = binaryen.getFunctionInfo(module.getFunctionByIndex(at));
      const names = (type: number) => binaryen.expandType(type).map((one) => TYPES.get(one) ?? String(one));
      if (from) imports.set(`${from}.${base}`, functionType(names(params), names(results)));
    }
    module.dispose();
  }, 60_000);

  test(`imports exactly the hostcalls of ABI ${CURRENT}, with the types of the host's table`, () => {
    const table = Object.entries<SignatureRow>(HOSTCALLS)
      .filter(([, row]) => inVersion(CURRENT, row))
      .map(([name, row]): [string, string] => [`env.${name}`, functionType(wasmParams(row), ["i32"])]);
    expect(Object.fromEntries(imports)).toEqual(Object.fromEntries(table));
  });

  test("the host's own reader of modules sees the same", () => {
    const seen = inspectModule(wasm).imports.map(({ module, name, type }) => [`${module}.${name}`, type]);
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(imports));
  });
});
