import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { decodePairs, encodePairs } from "../../host/stores/pairs";
import { compile } from "../support/compile";

interface Golden {
  blocks: { name: string; pairs: [string, string][]; block: string }[];
  broken: { name: string; block: string }[];
  refusedByHosts: { name: string; block: string }[];
}
const golden: Golden = JSON.parse(readFileSync(new URL("pairs.golden.json", import.meta.url), "utf8"));
const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const latin1 = (hex: string) => bytes(hex).toString("latin1");

interface Codec {
  memory: WebAssembly.Memory;
  allocate(size: number): number;
  rewrite(block: number, size: number): number;
  writtenSize(): number;
  pairsRead(): number;
}
let sdk: Codec;

beforeAll(async () => {
  const options = ["--runtime", "minimal", "-O2", "--use", "abort=test/guests/abort/onAbort"];
  const module = new WebAssembly.Module(new Uint8Array(await compile("test/guests/pairs.ts", options)));
  // Whatever the SDK's memory imports, the codec calls none of it.
  const imports: WebAssembly.Imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module))
    imports[from] = { ...imports[from], [name]: () => 12 };
  sdk = new WebAssembly.Instance(module, imports).exports as unknown as Codec;
}, 60_000);

/** Read and written again by the SDK. */
function rewritten(block: Buffer): Buffer {
  const at = sdk.allocate(block.length);
  new Uint8Array(sdk.memory.buffer).set(block, at);
  const out = sdk.rewrite(at, block.length);
  return Buffer.from(Buffer.from(sdk.memory.buffer).subarray(out, out + sdk.writtenSize()));
}

describe("one golden file for both codecs of pairs", () => {
  test.each(golden.blocks)("$name", ({ pairs, block }) => {
    const text = pairs.map(([name, value]): [string, string] => [latin1(name), latin1(value)]);
    expect(encodePairs(text).toString("hex")).toBe(bytes(block).toString("hex"));
    expect(decodePairs(bytes(block))).toEqual(text);
    expect(rewritten(bytes(block)).toString("hex")).toBe(bytes(block).toString("hex"));
    expect(sdk.pairsRead()).toBe(pairs.length);
  });

  test.each(golden.broken)("reads as an empty list: $name", ({ block }) => {
    expect(decodePairs(bytes(block))).toEqual([]);
    expect(rewritten(bytes(block)).length).toBe(0);
  });

  test.each(golden.refusedByHosts)("the host reads as an empty list: $name", ({ block }) => {
    expect(decodePairs(bytes(block))).toEqual([]);
  });

  test("any pairs go from host to guest and back unchanged", () => {
    const part = fc.uint8Array({ maxLength: 30 }).map((data) => Buffer.from(data).toString("latin1"));
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 40 }), (pairs) => {
        const block = encodePairs(pairs);
        expect(rewritten(block)).toEqual(block);
        expect(decodePairs(rewritten(block))).toEqual(pairs);
      }),
    );
  });

  test("any bytes are read by both without a trap; what the host reads, the guest reads alike", () => {
    const block = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((data) => Buffer.from(data)),
      fc
        .tuple(fc.nat(6), fc.array(fc.nat(9), { maxLength: 14 }), fc.uint8Array({ maxLength: 60 }))
        .map(([count, sizes, rest]) => {
          const head = Buffer.alloc(4 + 4 * sizes.length);
          for (const [at, n] of [count, ...sizes].entries()) head.writeUInt32LE(n, 4 * at);
          return Buffer.concat([head, rest]);
        }),
    );
    fc.assert(
      fc.property(block, (data) => {
        const read = decodePairs(data);
        const again = rewritten(data);
        if (read.length > 0) expect(again).toEqual(encodePairs(read));
      }),
      { numRuns: 500 },
    );
  });
});
