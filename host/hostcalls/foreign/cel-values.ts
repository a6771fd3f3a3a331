import {
  type CelInput,
  type CelMap,
  type CelValue,
  celMap,
  celUint,
  isCelList,
  isCelMap,
  isCelUint,
} from "@bufbuild/cel";
import { create, type DescMessage, fromJson, isMessage, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { encodePairs } from "../../stores/pairs";
import { child, encodeProperty, type PropertyValue } from "../../stores/property-values";

type MapProperty = PropertyValue & { kind: "map" };

const SECOND = 1_000_000_000n;

/** Seconds and nanoseconds; the latter never negative in a Timestamp, of the same sign in a Duration. */
function seconds(nanoseconds: bigint) {
  return { seconds: nanoseconds / SECOND, nanos: Number(nanoseconds % SECOND) };
}

/** Text of a request as CEL sees it: UTF-8, with U+FFFD for what is none. */
function decoded(latin1: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what needs no decoding
  return /^[\x00-\x7f]*$/.test(latin1) ? latin1 : Buffer.from(latin1, "latin1").toString("utf8");
}

/** An attribute for an expression. Maps stay closed until the expression looks into them. */
export function toCel(property: PropertyValue): CelInput {
  switch (property.kind) {
    case "text":
      return decoded(property.value);
    case "bytes":
    case "int":
      return property.value;
    case "bool":
      return property.value;
    case "uint":
      return celUint(property.value);
    case "duration":
      return create(DurationSchema, seconds(property.value));
    case "timestamp":
      return create(TimestampSchema, seconds(property.value));
    case "tree":
      return property.value as CelInput;
    case "message": {
      const desc = property.desc as DescMessage;
      return reflect(desc, fromJson(desc, property.value as JsonValue));
    }
    case "map":
      return attributeMap(property);
    case "null":
      return null;
  }
}

/** Maps that can be looked into but not listed: whole namespaces. */
const UNLISTED = new WeakSet<object>();

function attributeMap(property: MapProperty): CelMap {
  const map = celMap(new AttributeMap(property));
  if (!property.entries) UNLISTED.add(map);
  return map;
}

/** Looks its values up when they are asked for. */
class AttributeMap implements ReadonlyMap<string, CelInput> {
  constructor(private readonly property: MapProperty) {}

  private get names(): ReadonlySet<string> {
    return new Set([...(this.property.entries?.() ?? [])].map(([name]) => name));
  }

  get size(): number {
    return this.names.size;
  }

  get(key: string): CelInput | undefined {
    const value =
      typeof key === "string" ? child(this.property, Buffer.from(key).toString("latin1")) : undefined;
    return value && toCel(value);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  forEach(visit: (value: CelInput, key: string, map: ReadonlyMap<string, CelInput>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  *entries(): MapIterator<[string, CelInput]> {
    for (const name of this.names) yield [name, this.get(name)!];
  }

  keys(): MapIterator<string> {
    return this.names.values() as MapIterator<string>;
  }

  *values(): MapIterator<CelInput> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, CelInput]> {
    return this.entries();
  }
}

/** The result of an expression as the guest reads it: encoded like a property. Undefined = not serializable. */
export function encodeCel(value: CelValue): Buffer | undefined {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === "bigint") return encodeProperty({ kind: "int", value });
  if (typeof value === "number" || typeof value === "boolean") return encodeProperty({ kind: "tree", value });
  if (isCelUint(value)) return encodeProperty({ kind: "uint", value: value.value });
  if (isCelList(value)) return encodeAll([...value].map((item) => [item, ""]));
  if (isCelMap(value)) return UNLISTED.has(value) ? undefined : encodeAll([...value.entries()]);
  return isReflectMessage(value) ? encodeMessage(value) : undefined;
}

function encodeAll(entries: readonly [CelValue, CelValue][]): Buffer | undefined {
  const encoded: [Buffer, Buffer][] = [];
  for (const [key, value] of entries) {
    const pair = [encodeCel(key), encodeCel(value)] as const;
    if (!pair[0] || !pair[1]) return undefined;
    encoded.push([pair[0], pair[1]]);
  }
  return encodePairs(encoded);
}

function encodeMessage({ desc, message }: ReflectMessage): Buffer {
  const time = isMessage(message, TimestampSchema) || isMessage(message, DurationSchema);
  return time
    ? encodeProperty({ kind: "duration", value: message.seconds * SECOND + BigInt(message.nanos) })!
    : Buffer.from(toBinary(desc, message));
}
