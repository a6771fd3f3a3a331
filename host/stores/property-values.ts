import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { encodePairs } from "./pairs";

/**
 * A `DescMessage`. Public types reach this file, and who installs the package does not have the library they would name.
 */
export interface MessageType {
  readonly kind: "message";
  readonly typeName: string;
}

/** A property before it is encoded. */
export type PropertyValue =
  /** Text as it came, headers among it: Latin-1, one character a byte. */
  | { kind: "text"; value: string }
  | { kind: "bytes"; value: Buffer }
  | { kind: "int" | "uint" | "duration" | "timestamp"; value: bigint }
  | { kind: "bool"; value: boolean }
  /** The inside of a Struct or of configured text: plain JSON, numbers are doubles, text is UTF-8. */
  | { kind: "tree"; value: unknown }
  /** A protobuf message in its JSON form, and its bytes if it came as bytes. */
  | { kind: "message"; desc: MessageType; value: object; bytes?: Buffer }
  /** Looked into by key; what has no list of entries cannot be serialized as a whole. */
  | {
      kind: "map";
      get(key: string): PropertyValue | undefined;
      entries?(): Iterable<readonly [string, string]>;
    }
  /** There, but without a value: not serializable. */
  | { kind: "null" };

export const text = (value: string | undefined): PropertyValue | undefined =>
  value === undefined ? undefined : { kind: "text", value };
export const bytes = (value: Buffer | undefined): PropertyValue | undefined =>
  value === undefined ? undefined : { kind: "bytes", value };

type IntKind = "int" | "uint" | "duration" | "timestamp";
const integer =
  (kind: IntKind) =>
  (value: number | bigint | undefined): PropertyValue | undefined =>
    value === undefined ? undefined : { kind, value: BigInt(value) };
export const int = integer("int");
export const uint = integer("uint");
/** Nanoseconds. */
export const duration = integer("duration");
/** Nanoseconds since 1970. */
export const timestamp = integer("timestamp");

export const bool = (value: boolean): PropertyValue => ({ kind: "bool", value });
export const tree = (value: unknown): PropertyValue => ({ kind: "tree", value });
export const message = (desc: MessageType, value: object): PropertyValue => ({
  kind: "message",
  desc,
  value,
});
export const NULL: PropertyValue = { kind: "null" };

/** One step down from a value: a field, a key, a list item by decimal index. Undefined = not there. */
export function child(parent: PropertyValue, step: string): PropertyValue | undefined {
  if (parent.kind === "map") return parent.get(step);
  if (parent.kind === "message" && !isStruct(parent.desc))
    return fieldOf(parent.desc as DescMessage, parent.value, step);
  if (parent.kind !== "tree" && parent.kind !== "message") return undefined;
  const { value } = parent;
  if (Array.isArray(value)) {
    const item = /^\d{1,9}$/.test(step) ? value[Number(step)] : undefined;
    return item === undefined ? undefined : tree(item);
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
  return tree((value as Record<string, unknown>)[step]);
}

/** A Struct is a map by itself. */
const isStruct = (desc: MessageType) => desc.typeName === StructSchema.typeName;

/** A field that is not set has the default of its type, as everywhere in protobuf. */
function fieldOf(desc: DescMessage, json: object, name: string): PropertyValue | undefined {
  const field = desc.fields.find((f) => f.name === name);
  if (!field) return undefined;
  const value = (json as Record<string, unknown>)[field.jsonName] ?? defaultOf(field);
  return field.fieldKind === "message" && !isStruct(field.message)
    ? message(field.message, value as object)
    : tree(value);
}

function defaultOf(field: DescField): unknown {
  if (field.fieldKind === "list") return [];
  if (field.fieldKind !== "scalar") return {};
  return field.scalar === ScalarType.BOOL ? false : "";
}

function fixed64(write: (out: Buffer) => void): Buffer {
  const out = Buffer.alloc(8);
  write(out);
  return out;
}

/** Bytes as the guest reads them; undefined when a value cannot be serialized (a null inside). */
export function encodeProperty(property: PropertyValue): Buffer | undefined {
  switch (property.kind) {
    case "text":
      return Buffer.from(property.value, "latin1");
    case "bytes":
      return property.value;
    case "int":
    case "uint":
    case "duration":
    case "timestamp":
      return fixed64((out) => out.writeBigInt64LE(BigInt.asIntN(64, property.value)));
    case "bool":
      return Buffer.from([property.value ? 1 : 0]);
    case "tree":
      return encodeTree(property.value);
    case "message":
      return property.bytes ?? encodeMessage(property.desc as DescMessage, property.value);
    case "map":
      return property.entries && encodePairs(property.entries());
    case "null":
      return undefined;
  }
}

/** Strings are UTF-8 here: they come from configuration, not from header bytes. */
function encodeTree(value: unknown): Buffer | undefined {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (typeof value === "number") return fixed64((out) => out.writeDoubleLE(value));
  if (typeof value === "boolean") return Buffer.from([value ? 1 : 0]);
  if (Array.isArray(value)) return encodeEntries(value.map((item) => [item, ""]));
  if (typeof value === "object" && value !== null) return encodeEntries(Object.entries(value));
  return undefined;
}

function encodeEntries(entries: [unknown, unknown][]): Buffer | undefined {
  const encoded: [Buffer, Buffer][] = [];
  for (const [key, value] of entries) {
    const pair = [encodeTree(key), encodeTree(value)] as const;
    if (!pair[0] || !pair[1]) return undefined;
    encoded.push([pair[0], pair[1]]);
  }
  return encodePairs(encoded);
}

function encodeMessage(desc: DescMessage, json: object): Buffer | undefined {
  try {
    return Buffer.from(toBinary(desc, fromJson(desc, json as JsonValue)));
  } catch {
    // A number that JSON does not have (.inf, .nan in YAML).
    return undefined;
  }
}
