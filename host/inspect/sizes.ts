import { customSection, readSections } from "../vm/inspect";
import { WasmReader } from "../vm/wasm-reader";

/** A part of a module and its bytes. */
export interface Sized {
  name: string;
  bytes: number;
}

/** Names of sections by their number (https://webassembly.github.io/spec/core/binary/modules.html#sections). */
const SECTION_NAMES =
  "custom type import function table memory global export start element code data data-count tag".split(" ");
const CODE = SECTION_NAMES.indexOf("code");

/** Every section with its size, as they stand in the module; custom ones by their own name. */
export function sectionSizes(module: Uint8Array): Sized[] {
  return readSections(module).map(({ id, size, body }) => ({
    name: id === 0 ? `custom "${new WasmReader(body).name()}"` : (SECTION_NAMES[id] ?? `section ${id}`),
    bytes: size,
  }));
}

/** Every function with the size of its code, largest first; without a name section they go by number. */
export function functionSizes(module: Uint8Array, imported: number): Sized[] {
  const code = readSections(module).find(({ id }) => id === CODE)?.body;
  if (!code) return [];
  const names = functionNames(module);
  const reader = new WasmReader(code);
  return Array.from({ length: reader.u32() }, (_, i) => ({
    name: names.get(imported + i) ?? `function ${imported + i}`,
    bytes: reader.sub(reader.u32()).length,
  })).sort((a, b) => b.bytes - a.bytes);
}

/** Function names of the name section, by index. */
function functionNames(module: Uint8Array): Map<number, string> {
  const names = new Map<number, string>();
  const section = customSection(module, "name");
  if (!section) return names;
  const reader = new WasmReader(section);
  while (!reader.done) {
    const kind = reader.byte();
    const part = new WasmReader(reader.sub(reader.u32()));
    if (kind !== 1) continue;
    for (let left = part.u32(); left > 0; left--) names.set(part.u32(), part.name());
  }
  return names;
}
