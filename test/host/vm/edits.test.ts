import fc from "fast-check";
import { expect, test } from "vitest";
import { Edits } from "../../../host/vm/edits";

test("what comes out is what was asked for, and every byte of it knows where it comes from", () => {
  const steps = fc.array(
    fc.record({ gap: fc.nat(3), drop: fc.nat(3), add: fc.array(fc.nat(255), { maxLength: 4 }) }),
  );
  fc.assert(
    fc.property(steps, fc.nat(9), (list, tail) => {
      const edits = new Edits();
      const bytes: number[] = [];
      const wanted: [byte: number, from: number][] = [];
      const keep = (count: number) => {
        for (let i = 0; i < count; i++) {
          wanted.push([bytes.length & 255, bytes.length]);
          bytes.push(bytes.length & 255);
        }
      };
      const made = list.map(({ gap, drop, add }) => {
        keep(gap);
        const start = bytes.length;
        for (let i = 0; i < drop; i++) bytes.push(7);
        wanted.push(...add.map((byte): [number, number] => [byte, start]));
        return { start, end: bytes.length, add };
      });
      keep(tail);
      // Two at one place keep their order; otherwise the order in which they are told does not matter.
      for (const { start, end, add } of made) edits.replace(start, end, add);
      const out = edits.apply(Uint8Array.from(bytes));
      expect([...out].map((byte, at) => [byte, edits.original(at)])).toEqual(wanted);
    }),
    { numRuns: 500 },
  );
});
