import fc from "fast-check";
import { expect, test } from "vitest";
import { buildModule } from "../../host/build/index";
import { FakeHost } from "./support/fake-host";

/** What the guest (guests/heap.ts) does to its memory, in JavaScript's. */
class Model {
  #made = 0;
  readonly #slots: (Knot | undefined)[] = Array.from({ length: 16 });
  readonly #table: (Knot | undefined)[] = Array.from({ length: 4 });

  readonly #pinned: (Knot | undefined)[] = Array.from({ length: 4 });

  act([op, a, b, c]: Step): void {
    if (op === 1) this.#slots[a & 15] = { id: ++this.#made, text: "", size: 0, links: [], map: new Map() };
    if (op === 2) this.#slots[a & 15] = undefined;
    if (op === 3) this.#table[a & 3] = this.#slots[b & 15];
    const knot = this.#slots[a & 15];
    if (op === 13) this.#pinned[b & 3] = undefined;
    if (!knot) return;
    if (op === 13 && !this.#pinned.includes(knot)) this.#pinned[b & 3] = knot;
    const other = this.#slots[b & 15];
    if (op === 7 && other) knot.links.push(other);
    if (op === 8) knot.links = [];
    if (op === 9) knot.text += String(c).repeat(b);
    if (op === 10) knot.size = ((b << 8) | c) * (a & 15);
    if (op === 11) knot.map.set(b & 31, `${b}:${c}`);
    if (op === 12) knot.map.delete(b & 31);
  }

  tell(): string {
    const told = new Set<Knot>();
    const tell = (knot: Knot | undefined): string => {
      if (!knot) return "-";
      if (told.has(knot)) return `#${knot.id}`;
      told.add(knot);
      const entries = [...knot.map].map(([key, value]) => `${key}=${value}`).join();
      return `#${knot.id}(${knot.text}|${knot.size}|${entries}|${knot.links.map(tell).join()})`;
    };
    return [...this.#slots, ...this.#table, ...this.#pinned].map(tell).join(";");
  }
}

interface Knot {
  id: number;
  text: string;
  size: number;
  links: Knot[];
  map: Map<number, string>;
}

type Step = [op: number, a: number, b: number, c: number];

const byte = fc.nat(255);
const step = (op: number, b = byte) => fc.tuple(fc.constant(op), fc.nat(15), b, byte);
const few = fc.nat(3);
const steps = fc.oneof(
  { arbitrary: step(1), weight: 6 },
  { arbitrary: step(2), weight: 2 },
  { arbitrary: step(3), weight: 2 },
  { arbitrary: step(4), weight: 3 },
  { arbitrary: step(5), weight: 2 },
  { arbitrary: step(6), weight: 1 },
  { arbitrary: step(7), weight: 6 },
  { arbitrary: step(8), weight: 1 },
  { arbitrary: step(9, few), weight: 3 },
  { arbitrary: step(10, few), weight: 3 },
  { arbitrary: step(11), weight: 4 },
  { arbitrary: step(12), weight: 2 },
  { arbitrary: step(13), weight: 2 },
) as fc.Arbitrary<Step>;

test("objects stay as they are while anything refers to them, whatever else is allocated, freed, moved and collected", async () => {
  const { wasm } = await buildModule({ entry: new URL("guests/heap.ts", import.meta.url).pathname });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(steps, { minLength: 1, maxLength: 25 }), { maxLength: 25 }),
      async (calls) => {
        const host = await FakeHost.load(wasm);
        const model = new Model();
        host.call("proxy_on_vm_start", 1, 0);
        host.call("proxy_on_context_create", 2, 1);
        for (const call of calls) {
          for (const each of call) model.act(each);
          host.body = Buffer.from(call.flat());
          host.call("proxy_on_request_body", 2, host.body.length, 0);
          expect(host.body.toString()).toBe(model.tell());
        }
      },
    ),
    { numRuns: 150 },
  );
});
