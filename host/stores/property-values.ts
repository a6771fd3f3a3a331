import { encodePairs } from "./pairs";

/** A property before it is encoded. */
export type PropertyValue =
  | { kind: "bytes"; value: string | Buffer }
  | { kind: "int"; value: bigint }
  | { kind: "bool"; value: boolean }
  | { kind: "double"; value: number }
  /** A plain JSON tree: protobuf messages and Structs. */
  | { kind: "tree"; value: unknown }
  | { kind: "pairs"; value: Iterable<readonly [string, string]> };

export const bytes = (value: string | Buffer | undefined): PropertyValue | undefined =>
  value === undefined ? undefined : { kind: "bytes", value };
export const int = (value: number | bigint | undefined): PropertyValue | undefined =>
  value === undefined ? undefined : { kind: "int", value: BigInt(value) };
export const bool = (value: boolean): PropertyValue => ({ kind: "bool", value });
export const tree = (value: unknown): PropertyValue | undefined =>
  value === undefined ? undefined : { kind: "tree", value };

function fixed64(write: (out: Buffer) => void): Buffer {
  const out = Buffer.alloc(8);
  write(out);
  return out;
}

/** Bytes as the guest reads them; undefined when a value cannot be serialized (a null inside). */
export function encodeProperty(property: PropertyValue): Buffer | undefined {
  switch (property.kind) {
    case "bytes":
      return typeof property.value === "string" ? Buffer.from(property.value, "latin1") : property.value;
    case "int":
      return fixed64((out) => out.writeBigInt64LE(BigInt.asIntN(64, property.value)));
    case "bool":
      return Buffer.from([property.value ? 1 : 0]);
    case "double":
      return fixed64((out) => out.writeDoubleLE(property.value));
    case "pairs":
      return encodePairs(property.value);
    case "tree":
      return encodeTree(property.value);
  }
}

/** Strings are UTF-8 here: they come from configuration, not from header bytes. */
function encodeTree(value: unknown): Buffer | undefined {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (typeof value === "number") return encodeProperty({ kind: "double", value });
  if (typeof value === "boolean") return encodeProperty({ kind: "bool", value });
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
