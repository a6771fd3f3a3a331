import { bytes, type PropertyValue, text } from "./property-values";
import { messageOf } from "./protobuf/known";

/** How long a value lives; numbers as on the wire. */
export enum LifeSpan {
  FilterChain = 0,
  Request = 1,
  Connection = 2,
}

/** What a property set by a guest is; numbers as on the wire. */
export enum PropertyType {
  Bytes = 0,
  String = 1,
  FlatBuffers = 2,
  Protobuf = 3,
}

/** What `declare_property` says of a property. */
export interface Prototype {
  readonly readonly: boolean;
  readonly type: number;
  /** Of protobuf: the type URL of the message. */
  readonly schema: string;
  readonly span: number;
}

/** Of a property nobody has declared. */
const UNDECLARED: Prototype = {
  readonly: false,
  type: PropertyType.Bytes,
  schema: "",
  span: LifeSpan.FilterChain,
};

interface Entry {
  value: Buffer;
  readonly prototype: Prototype;
}

/** A value of one of Envoy's own kinds; one without a serialized form is undefined. */
interface Native {
  readonly value: PropertyValue | undefined;
  readonly span: LifeSpan;
}

/** What is no life span counts as the shortest. */
const spanOf = (span: number): LifeSpan =>
  span === LifeSpan.Request || span === LifeSpan.Connection ? span : LifeSpan.FilterChain;

const PREFIX = "wasm.";

/**
 * Envoy's filter state: values that the filters of a stream leave for each other. Those with the life span of a
 * connection are kept by the connection's own state, the parent of its streams'.
 */
export class FilterState {
  private properties: Map<string, Entry> | undefined;
  private natives: Map<string, Native> | undefined;

  constructor(private readonly parent?: FilterState) {}

  /** `proxy_set_property`; false when it is read-only and has a value. The first value decides what the property is. */
  setProperty(path: string, value: Buffer, prototype: Prototype = UNDECLARED): boolean {
    const known = this.properties?.get(path) ?? this.parent?.properties?.get(path);
    if (known) {
      if (known.prototype.readonly) return false;
      known.value = value;
      return true;
    }
    const owner = this.ownerOf(prototype.span);
    owner.properties ??= new Map();
    owner.properties.set(path, { value, prototype });
    return true;
  }

  /** A property as the guest set it, by its path. */
  property(path: string): PropertyValue | undefined {
    const entry = this.properties?.get(path) ?? this.parent?.properties?.get(path);
    return entry && shown(entry);
  }

  /** A value of Envoy's own kinds. One with another life span than the first is not taken, and nothing says so. */
  setNative(key: string, value: PropertyValue | undefined, span: number): void {
    const known = this.nativeEntry(key);
    if (known && known.span !== spanOf(span)) return;
    const owner = this.ownerOf(span);
    owner.natives ??= new Map();
    owner.natives.set(key, { value, span: spanOf(span) });
  }

  native(key: string): PropertyValue | undefined {
    return this.nativeEntry(key)?.value;
  }

  private nativeEntry(key: string): Native | undefined {
    return this.natives?.get(key) ?? this.parent?.natives?.get(key);
  }

  /** Any value by its full key; properties stand under `wasm.PATH`. */
  get(key: string): PropertyValue | undefined {
    return key.startsWith(PREFIX) ? this.property(key.slice(PREFIX.length)) : this.native(key);
  }

  private ownerOf(span: number): FilterState {
    return span === LifeSpan.Connection ? (this.parent ?? this) : this;
  }
}

function shown({ value, prototype }: Entry): PropertyValue | undefined {
  if (prototype.type === PropertyType.String) return text(value.toString("latin1"));
  if (prototype.type === PropertyType.Protobuf) return messageOf(prototype.schema, value) ?? bytes(value);
  return bytes(value);
}
