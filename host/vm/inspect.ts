import { ModuleError } from "../errors";
import { WasmReader } from "./wasm-reader";

/** A function type as text: `(i32,i64)->(i32)`. */
export type FunctionType = string;

export interface ModuleShape {
  imports: { module: string; name: string; type: FunctionType }[];
  exports: { name: string; type: FunctionType }[];
  memoryExport: string | undefined;
  importsMemory: boolean;
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  127: "i32",
  126: "i64",
  125: "f32",
  124: "f64",
  123: "v128",
  112: "funcref",
  111: "externref",
};

/** Numbers of the sections that this host reads. */
export const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

/** Writes a function type the way {@link inspectModule} does. */
export function functionType(params: readonly string[], results: readonly string[]): FunctionType {
  return `(${params.join(",")})->(${results.join(",")})`;
}

/** All sections of a module, in order; the bodies are views into `bytes`. */
export function readSections(bytes: Uint8Array): { id: number; body: Uint8Array }[] {
  const reader = new WasmReader(bytes);
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (bytes.length < 8 || magic.some((b) => reader.byte() !== b))
    throw new ModuleError("not a wasm module: the file does not start with the wasm magic number");
  const found: { id: number; body: Uint8Array }[] = [];
  while (!reader.done) found.push({ id: reader.byte(), body: reader.sub(reader.u32()) });
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

function readType(reader: WasmReader): FunctionType {
  const form = reader.byte();
  if (form !== 0x60) throw new ModuleError(`unsupported type form 0x${form.toString(16)}`);
  const valueType = (r: WasmReader) => {
    const code = r.byte();
    return TYPE_NAMES[code] ?? `0x${code.toString(16)}`;
  };
  return functionType(list(reader, valueType), list(reader, valueType));
}

/** Reads a module's function imports and exports with their types, which WebAssembly's own reflection does not tell. */
export function inspectModule(bytes: Uint8Array): ModuleShape {
  const parts = new Map(readSections(bytes).map(({ id, body }) => [id, new WasmReader(body)]));
  const types = list(parts.get(SECTION.type), readType);
  const functions: FunctionType[] = [];
  const shape: ModuleShape = { imports: [], exports: [], memoryExport: undefined, importsMemory: false };
  const typeAt = (index: number) => types[index] ?? "(?)->(?)";

  list(parts.get(SECTION.import), (reader) => {
    const module = reader.name();
    const name = reader.name();
    const kind = reader.byte();
    if (kind === 0) {
      const type = typeAt(reader.u32());
      functions.push(type);
      shape.imports.push({ module, name, type });
    } else if (kind === 1) {
      reader.byte();
      reader.limits();
    } else if (kind === 2) {
      reader.limits();
      shape.importsMemory = true;
    } else if (kind === 3) {
      reader.byte();
      reader.byte();
    } else throw new ModuleError(`unsupported import kind ${kind} of ${module}.${name}`);
  });
  list(parts.get(SECTION.function), (reader) => functions.push(typeAt(reader.u32())));
  list(parts.get(SECTION.export), (reader) => {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.u32();
    if (kind === 0) shape.exports.push({ name, type: functions[index] ?? "(?)->(?)" });
    else if (kind === 2) shape.memoryExport ??= name;
  });
  return shape;
}
