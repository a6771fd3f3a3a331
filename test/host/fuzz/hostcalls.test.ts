import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Context } from "../../../host/context/context";
import { FOREIGN_FUNCTIONS } from "../../../host/hostcalls/foreign/table";
import { decodePairs, encodePairs } from "../../../host/stores/pairs";
import { getProperty, type PropertyScope } from "../../../host/stores/properties";
import { PROPERTIES } from "../../../host/stores/property-table";
import { TestHost } from "../../../host/testing/test-host";
import { GuestMemory } from "../../../host/vm/memory";
import { assembled } from "../../support/guests";
import { RecordingEnds } from "../support/fake-ends";
import { interpreter } from "./support/interpreter";
import { encode, type Program, program, show } from "./support/programs";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);
const budget = { seed, interruptAfterTimeLimit: 4000, markInterruptAsFailure: false };

let module: string;
beforeAll(() => {
  module = assembled("fuzz", interpreter());
});

function start(one: Program, trace: boolean): Promise<TestHost> {
  return TestHost.start({
    plugins: { module, configuration: encode(one), allowOnHeadersStopIteration: true },
    clusters: { up: { status: 200, body: "x", trailers: { t: "1" } } },
    services: { up: { message: "x" } },
    trace,
    seed,
  });
}

/**
 * A guest may ask for anything: the host has no defect to show, and throws nothing into the guest. A trap is the guest's
 * own: it has made a hostcall write over its program.
 */
function healthy(host: TestHost): void {
  expect(host.logs("host bug")).toEqual([]);
  expect(host.logs(/Uncaught (?!RuntimeError: )/)).toEqual([]);
}

function http(host: TestHost): void {
  const exchange = host.request({
    method: "POST",
    body: ["a", "bc"],
    trailers: { t: "1" },
    headers: { "x-a": "1" },
  });
  host.advance(20);
  if (exchange.state === "forwarded" && exchange.forwarded.headers)
    exchange.respond({ headers: { "x-r": "1" }, body: ["d", "ef"], trailers: { t: "2" } });
  host.advance(20);
  if (!exchange.over) exchange.disconnect();
  host.settle();
  expect(exchange.over).toBe(true);
}

function tcp(host: TestHost): void {
  const connection = host.connect();
  connection.send("abc");
  host.advance(20);
  if (connection.connected) connection.respond("def");
  connection.send("g", { end: true });
  if (connection.closedBy === undefined) connection.disconnect();
  host.settle();
  expect(connection.closedBy).toBeDefined();
}

for (const [kind, traffic] of Object.entries({ http, tcp }))
  test(`${kind}: no hostcall with any arguments breaks the host (FUZZ_SEED=${seed})`, {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(program, fc.boolean(), async (one, trace) => {
        const host = await start(one, trace);
        try {
          for (let round = 0; round < 2; round++) traffic(host);
          healthy(host);
        } catch (error) {
          // A guest that answers each event by causing the next never rests: the test's clock gives up, the host does not.
          if (!String(error).includes("did not come to rest"))
            throw new Error(`${show(one)}\n${host.story()}`, { cause: error });
        } finally {
          host.abandon();
        }
        healthy(host);
      }),
      { ...budget, numRuns: 2000 },
    );
  });

test(`memory: an access is inside and touches its range alone, or is refused (FUZZ_SEED=${seed})`, () => {
  const wasm = new WebAssembly.Memory({ initial: 1 });
  const memory = new GuestMemory(wasm);
  const bytes = new Uint8Array(wasm.buffer);
  const near = fc.oneof(fc.integer(), fc.integer({ min: 65536 - 40, max: 65536 + 40 }), fc.nat(40));
  fc.assert(
    fc.property(near, fc.nat(40), fc.nat(4), (at, size, how) => {
      bytes.fill(0xaa);
      const writes = [
        [1, () => memory.writeU8(at, 0)],
        [4, () => memory.writeU32(at, 0)],
        [8, () => memory.writeU64(at, 0n)],
        [size, () => memory.write(at, Buffer.alloc(size))],
        [size, () => memory.writeLatin1(at, "\0".repeat(size))],
      ] as const;
      const [length, write] = writes[how]!;
      const inside = (at >>> 0) + length <= 65536;
      expect(write()).toBe(inside);
      expect(bytes.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0)).toBe(inside ? length : 0);
      if (inside && length > 0) expect(bytes[at >>> 0]).toBe(0);
    }),
    { seed, numRuns: 500 },
  );
});

test(`pairs: any bytes decode, and what decodes to something is the same again (FUZZ_SEED=${seed})`, () => {
  const block = fc.array(fc.tuple(fc.string({ unit: "binary-ascii" }), fc.string({ unit: "binary-ascii" })));
  const mutated = fc
    .tuple(block.map(encodePairs), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
    .map(([bytes, changes]) => {
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  const any = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    mutated,
  );
  fc.assert(
    fc.property(any, (bytes) => {
      const pairs = decodePairs(bytes);
      if (pairs.length > 0) expect(encodePairs(pairs)).toEqual(bytes);
    }),
    { seed, numRuns: 5000 },
  );
});

const bytesText = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString("latin1"));

test(`properties: any path has a value or a status (FUZZ_SEED=${seed})`, () => {
  const { info } = new RecordingEnds();
  const stream = { info, requestHeaders: undefined, responseHeaders: undefined, responseTrailers: undefined };
  const plugin = { name: "n", rootId: "r", vmId: "v", node: { id: "x", metadata: { a: [1, { b: null }] } } };
  const names = Object.entries(PROPERTIES).flatMap(([name, entry]) => [name, ...Object.keys(entry)]);
  const segment = fc.oneof(
    fc.constantFrom(...names, "__proto__", "constructor", "0", "metadata", "a", "b", ""),
    bytesText,
  );
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 5 }), fc.boolean(), (path, inStream) => {
      const scope: PropertyScope = { plugin, stream: inStream ? stream : undefined };
      const value = getProperty(scope, path.join("\0"));
      expect(typeof value === "number" || Buffer.isBuffer(value)).toBe(true);
    }),
    { seed, numRuns: 3000 },
  );
});

test(`foreign functions: any argument has a result or a status (FUZZ_SEED=${seed})`, () => {
  const scope: PropertyScope = { plugin: { name: "n", rootId: "r", vmId: "v", node: {} }, stream: undefined };
  const bare = { properties: () => scope, clearRouteCache() {}, declareProperty: () => true };
  const context = Object.assign(bare, { root: bare }) as unknown as Context;
  const argument = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.string().map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(FOREIGN_FUNCTIONS)), argument, (run, bytes) => {
      const value = run({ context, caller: context, argument: bytes });
      expect(typeof value === "number" || Buffer.isBuffer(value)).toBe(true);
    }),
    { seed, numRuns: 3000 },
  );
});
