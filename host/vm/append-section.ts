import type { Edits } from "./edits";
import { readSections, SECTION } from "./inspect";
import { leb } from "./leb";
import { WasmReader } from "./wasm-reader";

/** Numbers of sections in the order in which they stand; custom ones stand anywhere. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
const rank = (id: number) => ORDER.indexOf(id);

/** How many entries a section has. */
export function countEntries(bytes: Uint8Array, id: number): number {
  const section = readSections(bytes).find((s) => s.id === id);
  return section ? new WasmReader(section.body).u32() : 0;
}

/** Adds entries to the end of a section, which is made where there is none. */
export function appendEntries(bytes: Uint8Array, id: number, entries: number[][], edits: Edits): void {
  const sections = readSections(bytes);
  const section = sections.find((s) => s.id === id);
  const added = entries.flat();
  if (!section) {
    const next = sections.find((s) => s.id !== SECTION.custom && rank(s.id) > rank(id));
    const body = [...leb(entries.length), ...added];
    edits.insert(next?.start ?? bytes.length, [id, ...leb(body.length), ...body]);
    return;
  }
  const { start, size, body } = section;
  const reader = new WasmReader(body);
  const count = leb(reader.u32() + entries.length);
  const newSize = body.length - reader.position + count.length + added.length;
  edits.replace(start, start + size - body.length + reader.position, [id, ...leb(newSize), ...count]);
  edits.insert(start + size, added);
}
