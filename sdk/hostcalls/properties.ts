import { Status } from "../abi/status";
import { proxy_get_property, proxy_set_property } from "../env";
import { Bytes } from "../memory/bytes";
import { decode } from "../memory/decode";
import { encode, encodedSize, encodeText } from "../memory/encode";
import { KEY, KEY_SIZE, OUT, VALUE, VALUE_SIZE } from "../memory/layout";
import { Pairs } from "../memory/pairs";

/**
 * A property path encoded once, and what can be read at its end. Needed when a segment holds a dot itself; cheaper than
 * a text when a path is read often. Values inside metadata carry no type: read what you know is there.
 * @example
 * const sub = PropertyPath.of(["metadata", "filter_metadata", "envoy.filters.http.jwt_authn"]).at("sub");
 * const text = sub.text;
 */
export class PropertyPath {
  private constructor(readonly bytes: Bytes) {}

  /** The path of those parts, e.g. `["xds", "node", "metadata"]`. */
  static of(segments: string[]): PropertyPath {
    return new PropertyPath(Bytes.of(segments.join("\0")));
  }

  /** The path one step further: a name, or the index of a list's item as decimal text. */
  at(segment: string): PropertyPath {
    return new PropertyPath(
      this.bytes.length == 0 ? Bytes.of(segment) : this.bytes.concat(Bytes.of(`\0${segment}`)),
    );
  }

  /** The value as it came, or null when there is none now. */
  get raw(): Bytes | null {
    return getProperty(this);
  }

  /** The value as text; null when there is none. */
  get text(): string | null {
    return getPropertyString(this);
  }

  /** An integer, timestamp or duration (nanoseconds), or `missing`. */
  int(missing: i64 = 0): i64 {
    return getPropertyInt(this, missing);
  }

  /** A double, or `missing`: every number inside metadata is one. */
  double(missing: f64 = 0): f64 {
    return getPropertyDouble(this, missing);
  }

  /** A missing value is false. */
  get bool(): bool {
    return getPropertyBool(this);
  }

  /** A map, in no particular order, or null; its values are encoded like properties of their own. */
  get map(): Pairs | null {
    const value = getProperty(this);
    return value == null ? null : Pairs.decode(value);
  }

  /** The items of a list, or null. */
  get list(): Bytes[] | null {
    const pairs = this.map;
    if (pairs == null) return null;
    const items: Bytes[] = [];
    for (let i = 0; i < pairs.length; i++) items.push(pairs.nameBytes(i));
    return items;
  }
}

/**
 * Raw bytes of a property, or null when it is missing or cannot be had now.
 * `P` is `string` (segments separated by dots) or `PropertyPath`.
 */
export function getProperty<P>(path: P): Bytes | null {
  return findProperty<P>(path) ? Bytes.take(load<usize>(OUT), load<usize>(OUT, 4)) : null;
}

/** A text property, or null. */
export function getPropertyString<P>(path: P): string | null {
  return findProperty<P>(path) ? decode(load<usize>(OUT), load<usize>(OUT, 4)) : null;
}

/** An integer, timestamp or duration (nanoseconds) property, or `missing`. */
export function getPropertyInt<P>(path: P, missing: i64 = 0): i64 {
  return findProperty<P>(path) && load<usize>(OUT, 4) == 8 ? load<i64>(load<usize>(OUT)) : missing;
}

/** A double property, or `missing`. */
export function getPropertyDouble<P>(path: P, missing: f64 = 0): f64 {
  return findProperty<P>(path) && load<usize>(OUT, 4) == 8 ? load<f64>(load<usize>(OUT)) : missing;
}

/** A bool property; a missing one is false. */
export function getPropertyBool<P>(path: P): bool {
  return findProperty<P>(path) && load<usize>(OUT, 4) == 1 && load<u8>(load<usize>(OUT)) != 0;
}

/**
 * Stores a value for this stream under a name of one segment; every plugin of the stream reads it back by that name.
 * Not possible in a root context.
 */
export function setProperty(name: string, value: string): Status {
  const text = encode(value, VALUE, VALUE_SIZE);
  const size = encodedSize();
  const key = encode(name, KEY, KEY_SIZE);
  return proxy_set_property(key, encodedSize(), text, size);
}

/** The same with any bytes. */
export function setPropertyBytes(name: string, value: Bytes): Status {
  const key = encode(name, KEY, KEY_SIZE);
  return proxy_set_property(key, encodedSize(), value.ptr, <usize>value.length);
}

/** @internal Asks for a property; on success address and size of the value stand at `OUT`. */
export function findProperty<P>(path: P): bool {
  if (isString(path)) {
    // Anew, as the bytes are changed.
    const key = encodeText(path as string, KEY, KEY_SIZE);
    const size = encodedSize();
    for (let i: usize = 0; i < size; i++) if (load<u8>(key + i) == 46 /* . */) store<u8>(key + i, 0);
    return proxy_get_property(key, size, OUT, OUT + 4) == Status.Ok;
  } else {
    const bytes = (path as PropertyPath).bytes;
    return proxy_get_property(bytes.ptr, <usize>bytes.length, OUT, OUT + 4) == Status.Ok;
  }
}
