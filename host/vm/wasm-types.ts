import { ModuleError } from "../errors";
import type { WasmReader } from "./wasm-reader";

/** A function type as text: `(i32,i64)->(i32)`. */
export type FunctionType = string;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  127: "i32",
  126: "i64",
  125: "f32",
  124: "f64",
  123: "v128",
  112: "funcref",
  111: "externref",
  110: "anyref",
  105: "exnref",
};

/** References with their heap type written out: `(ref null ...)` and `(ref ...)`. */
const REF = { nullable: 0x63, plain: 0x64 } as const;
const FORM = { function: 0x60, struct: 0x5f, array: 0x5e, sub: 0x50, finalSub: 0x4f, group: 0x4e } as const;
const HEAP_NAMES: Readonly<Record<number, string>> = { [-16]: "func", [-17]: "extern" };

/** Types of values that cross Envoy's border; with any other in an import or export Envoy aborts. */
const CROSSING: ReadonlySet<string> = new Set([
  "i32",
  "i64",
  "f32",
  "f64",
  "funcref",
  "externref",
  "(ref func)",
  "(ref extern)",
]);

/** Writes a function type the way {@link readFunctionTypes} does. */
export function functionType(params: readonly string[], results: readonly string[]): FunctionType {
  return `(${params.join(",")})->(${results.join(",")})`;
}

/** The first value type in a function type that cannot cross the border, if any. */
export function uncrossable(type: FunctionType): string | undefined {
  return type
    .split("->")
    .flatMap((side) => side.slice(1, -1).split(","))
    .find((value) => value !== "" && !CROSSING.has(value));
}

function valueType(reader: WasmReader): string {
  const code = reader.byte();
  if (code !== REF.nullable && code !== REF.plain) return TYPE_NAMES[code] ?? `0x${code.toString(16)}`;
  const heap = HEAP_NAMES[reader.signed()] ?? "type";
  if (code === REF.plain) return `(ref ${heap})`;
  return heap === "type" ? "(ref null type)" : `${heap}ref`;
}

function list<T>(reader: WasmReader, read: () => T): T[] {
  return Array.from({ length: reader.u32() }, read);
}

/** Fields hold packed types, too: i8 and i16. */
function skipField(reader: WasmReader): void {
  valueType(reader);
  reader.byte();
}

/** One type; anything but a function is only passed over. */
function readType(reader: WasmReader, form = reader.byte()): FunctionType {
  switch (form) {
    case FORM.function: {
      const params = list(reader, () => valueType(reader));
      return functionType(
        params,
        list(reader, () => valueType(reader)),
      );
    }
    case FORM.struct:
      list(reader, () => skipField(reader));
      return "struct";
    case FORM.array:
      skipField(reader);
      return "array";
    case FORM.sub:
    case FORM.finalSub:
      list(reader, () => reader.u32());
      return readType(reader);
    default:
      throw new ModuleError(`unknown form of type 0x${form.toString(16)}`);
  }
}

/** All types of a type section by index; those of recursion groups count one by one. */
export function readFunctionTypes(reader: WasmReader): FunctionType[] {
  return list(reader, () => {
    const form = reader.byte();
    return form === FORM.group ? list(reader, () => readType(reader)) : [readType(reader, form)];
  }).flat();
}
