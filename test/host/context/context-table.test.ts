import fc from "fast-check";
import { expect, test } from "vitest";
import type { Context } from "../../../host/context/context";
import { ContextTable } from "../../../host/context/context-table";

const context = (id: number) => ({ id }) as Context;

test("one that lives long is found after its slot has been taken by others", () => {
  const table = new ContextTable();
  const root = context(1);
  table.set(1, root);
  for (let id = 2; id < 5000; id++) {
    table.set(id, context(id));
    table.delete(id);
  }
  expect(table.get(1)).toBe(root);
  expect(table.size).toBe(1);
  table.delete(1);
  expect([table.get(1), table.size]).toEqual([undefined, 0]);
});

test("it answers as a Map does, whatever comes and goes", () => {
  // Few slots and ids that share them.
  const ids = fc.tuple(fc.nat(3), fc.nat(3)).map(([slot, turn]) => 0xffffffff - slot - 1024 * turn);
  const steps = fc.array(fc.tuple(fc.boolean(), ids), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (list) => {
      const table = new ContextTable();
      const model = new Map<number, Context>();
      for (const [add, id] of list) {
        if (!add) {
          table.delete(id);
          model.delete(id);
        } else if (!model.has(id)) {
          const made = context(id);
          table.set(id, made);
          model.set(id, made);
        }
        expect(table.size).toBe(model.size);
        for (const [, other] of list) expect(table.get(other)).toBe(model.get(other));
      }
    }),
  );
});
