import fc from "fast-check";
import type { ParamKind } from "../../../../host/abi/signature";
import { FOREIGN_FUNCTIONS } from "../../../../host/hostcalls/foreign/table";
import { encodePairs } from "../../../../host/stores/pairs";
import { PROPERTIES } from "../../../../host/stores/property-table";
import { CALLS, ENTRY, MEMORY, PERFORMERS, PROGRAM, STEP } from "./interpreter";

/** What arguments may point at; a program carries all of it. */
const TEXTS: readonly (string | Buffer)[] = [
  ...[":path", ":status", ":method", "x-a", "content-length", "a", "", "up", "-", "\0", "\xff\xfe", "1 + 1"],
  ...Object.keys(FOREIGN_FUNCTIONS),
  ...Object.keys(PROPERTIES).flatMap((name) => [name, `${name}\0a`, `${name}\0headers\0x-a`]),
  "request\0path",
  "filter_state\0x",
  "upstream\0port",
  encodePairs([]),
  encodePairs([["x-b", "1"]]),
  encodePairs([
    [":method", "GET"],
    [":path", "/"],
    [":authority", "up"],
  ]),
  Buffer.from([1, 0, 0, 0, 255, 255, 255, 255]),
  Buffer.alloc(2000, "z"),
];
/** Addresses that hostcalls write to harmlessly: behind the program's place, below the allocator's. */
const SCRATCH = 64;

interface Placed {
  readonly at: number;
  readonly size: number;
}
const places: Placed[] = [];
const HEAD = ENTRY * PERFORMERS.length;
let end = HEAD;
for (const { length } of TEXTS) {
  places.push({ at: PROGRAM + end, size: length });
  end += length;
}
const FIRST_STEP = (end + 7) & ~7;

const word = fc.oneof(
  { weight: 4, arbitrary: fc.nat(12) },
  { weight: 1, arbitrary: fc.constantFrom(MEMORY - 1, MEMORY, MEMORY + 1, MEMORY - 4, MEMORY - 8) },
  { weight: 1, arbitrary: fc.constantFrom(-1, -4, 0x7fffffff, -0x80000000, 65535, 65536) },
  { weight: 1, arbitrary: fc.integer() },
);
const address = fc.oneof(
  { weight: 4, arbitrary: fc.nat(SCRATCH).map((n) => n * 4) },
  { weight: 1, arbitrary: word },
);
const range = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...places).map(({ at, size }) => [at, size]) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(MEMORY), fc.nat(300)) },
  { weight: 1, arbitrary: fc.tuple(word, word) },
);
const long = fc.oneof(fc.bigInt(-3n, 300n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));

type Words = readonly (number | bigint)[];

function argumentsOf(kind: ParamKind): fc.Arbitrary<Words> {
  if (kind === "in" || kind === "pairs" || kind === "path") return range;
  if (kind === "out" || kind === "outPairs") return fc.tuple(address, address);
  if (kind === "out32" || kind === "out64") return address.map((n) => [n]);
  return kind === "i64" ? long.map((n) => [n]) : word.map((n) => [n]);
}

interface Step {
  readonly call: number;
  readonly words: Words;
}

/** Hostcalls three times as often as WASI, each with arguments of its own kinds. */
const step: fc.Arbitrary<Step> = fc.oneof(
  ...CALLS.map(({ row, params }, call) => {
    const words = row
      ? row.params.map(([, kind]) => argumentsOf(kind))
      : params.map((type): fc.Arbitrary<Words> => (type === "i64" ? long : word).map((n) => [n]));
    const arbitrary = fc.tuple(...words).map((all) => ({ call, words: all.flat() }));
    return { weight: row ? 9 : 3, arbitrary };
  }),
);

export interface Program {
  readonly callbacks: readonly { readonly steps: readonly Step[]; readonly result: number }[];
}

export const program: fc.Arbitrary<Program> = fc.record({
  callbacks: fc.array(
    fc.record({
      steps: fc.array(step, { maxLength: 4 }),
      result: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) }),
    }),
    { minLength: PERFORMERS.length, maxLength: PERFORMERS.length },
  ),
});

/** A program's bytes: an entry per callback, the texts, the steps. */
export function encode({ callbacks }: Program): Buffer {
  const count = callbacks.reduce((sum, { steps }) => sum + steps.length, 0);
  const out = Buffer.alloc(FIRST_STEP + STEP * count);
  TEXTS.forEach((text, i) => {
    Buffer.from(text as string, "latin1").copy(out, places[i]!.at - PROGRAM);
  });
  let at = FIRST_STEP;
  callbacks.forEach(({ steps, result }, i) => {
    out.writeUInt32LE(at, ENTRY * i);
    out.writeUInt32LE(steps.length, ENTRY * i + 4);
    out.writeUInt32LE(result, ENTRY * i + 8);
    for (const { call, words } of steps) {
      out.writeUInt32LE(call, at);
      words.forEach((value, n) => {
        out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at + 8 + 8 * n);
      });
      at += STEP;
    }
  });
  return out;
}

/** A program as a failure shows it. */
export function show({ callbacks }: Program): string {
  return callbacks
    .flatMap(({ steps, result }, i) =>
      steps.length === 0 && result === 0
        ? []
        : [
            `${PERFORMERS[i]![0]}: ${steps.map(({ call, words }) => `${CALLS[call]!.name}(${words})`).join("; ")} -> ${result}`,
          ],
    )
    .join("\n");
}
