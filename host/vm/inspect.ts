import { ModuleError } from "../errors";
import { type Limits, WasmReader } from "./wasm-reader";
import { type FunctionType, readFunctionTypes } from "./wasm-types";

export interface MemoryImport extends Limits {
  module: string;
  name: string;
}

export interface TableImport extends Limits {
  module: string;
  name: string;
  element: "anyfunc" | "externref";
}

export interface ModuleShape {
  /** Imported functions. */
  imports: { module: string; name: string; type: FunctionType }[];
  /** Exported functions. */
  exports: { name: string; type: FunctionType }[];
  /** Names of exported exception tags. */
  tags: string[];
  memoryExport: string | undefined;
  memoryImport: MemoryImport | undefined;
  tableImports: TableImport[];
}

/** Numbers of the sections that this host reads. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  code: 10,
} as const;

const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

export interface Section {
  id: number;
  /** Where its number stands, and how many bytes it has from there. */
  start: number;
  size: number;
  /** A view into the module. */
  body: Uint8Array;
}

/** All sections of a module, in order. */
export function readSections(bytes: Uint8Array): Section[] {
  const reader = new WasmReader(bytes);
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (bytes.length < 8 || magic.some((b) => reader.byte() !== b))
    throw new ModuleError("not a wasm module: the file does not start with the wasm magic number");
  const found: Section[] = [];
  while (!reader.done) {
    const start = reader.position;
    const id = reader.byte();
    const body = reader.sub(reader.u32());
    found.push({ id, start, size: reader.position - start, body });
  }
  return found;
}

/** What a custom section holds after its name; undefined when there is none of that name. */
export function customSection(bytes: Uint8Array, name: string): Uint8Array | undefined {
  for (const { id, body } of readSections(bytes)) {
    if (id !== SECTION.custom) continue;
    const reader = new WasmReader(body);
    if (reader.name() === name) return reader.rest();
  }
  return undefined;
}

function list<T>(reader: WasmReader | undefined, read: (reader: WasmReader) => T): T[] {
  if (!reader) return [];
  return Array.from({ length: reader.u32() }, () => read(reader));
}

const TABLE_ELEMENTS: Readonly<Record<number, TableImport["element"]>> = { 112: "anyfunc", 111: "externref" };

/** Reads a module's imports and exports with their types, which WebAssembly's own reflection does not tell. */
export function inspectModule(bytes: Uint8Array): ModuleShape {
  const parts = new Map(readSections(bytes).map(({ id, body }) => [id, new WasmReader(body)]));
  const typeSection = parts.get(SECTION.type);
  const types = typeSection ? readFunctionTypes(typeSection) : [];
  const functions: FunctionType[] = [];
  const shape: ModuleShape = {
    imports: [],
    exports: [],
    tags: [],
    memoryExport: undefined,
    memoryImport: undefined,
    tableImports: [],
  };
  const typeAt = (index: number) => types[index] ?? "(?)->(?)";

  list(parts.get(SECTION.import), (reader) => {
    const module = reader.name();
    const name = reader.name();
    const kind = reader.byte();
    if (kind === KIND.function) {
      const type = typeAt(reader.u32());
      functions.push(type);
      shape.imports.push({ module, name, type });
    } else if (kind === KIND.table) {
      const element = TABLE_ELEMENTS[reader.byte()];
      if (!element) throw new ModuleError(`imports table ${module}.${name} of an unsupported type`);
      shape.tableImports.push({ module, name, element, ...reader.limits() });
    } else if (kind === KIND.memory) shape.memoryImport = { module, name, ...reader.limits() };
    // The same words whether linking or this reader finds it.
    else throw new ModuleError(`cannot be linked: ${module}.${name} is not a function, memory or table`);
  });
  list(parts.get(SECTION.function), (reader) => functions.push(typeAt(reader.u32())));
  list(parts.get(SECTION.export), (reader) => {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.u32();
    if (kind === KIND.function) shape.exports.push({ name, type: functions[index] ?? "(?)->(?)" });
    // Of several memories Envoy takes the last.
    else if (kind === KIND.memory) shape.memoryExport = name;
    else if (kind === KIND.tag) shape.tags.push(name);
  });
  return shape;
}
