import { MapType } from "../abi/map-type";
import { Status } from "../abi/status";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_set_header_map_pairs,
} from "../env";
import { Bytes } from "../memory/bytes";
import { decode } from "../memory/decode";
import { breaksLine, encode, encodedSize, encodedSuspect } from "../memory/encode";
import { HeaderName } from "../memory/header-name";
import { KEY, KEY_SIZE, OUT, VALUE, VALUE_SIZE } from "../memory/layout";
import { Pairs } from "../memory/pairs";
import { logError } from "./logging";

/**
 * One of the proxy's header or trailer maps, read and written in place. A map is only there during certain callbacks
 * (request headers: in `onRequestHeaders` and while paused there); elsewhere everything reads as missing and writes
 * return `Status.BadArgument`. Names are case-insensitive. A name or value with CR, LF or NUL is refused with
 * `Status.BadArgument` and an error line.
 *
 * `K` is `string` or `HeaderName`. The object is only a number (the map's type): it costs no allocation.
 */
@unmanaged
export class HeaderMap {
  private get type(): MapType {
    return <i32>changetype<usize>(this);
  }

  /** First value of that name, or null when there is none; an empty value is "". */
  get<K>(name: K): string | null {
    if (find<K>(this.type, name) != Status.Ok) return null;
    return decode(load<usize>(OUT), load<usize>(OUT, 4));
  }

  /** First value as bytes, or null. */
  getBytes<K>(name: K): Bytes | null {
    if (find<K>(this.type, name) != Status.Ok) return null;
    return Bytes.take(load<usize>(OUT), load<usize>(OUT, 4));
  }

  /** Every value of that name in order. The host's `get` shows only the first: decide on this one. */
  getAll<K>(name: K): string[] {
    return this.pairs().values(keyOf<K>(name));
  }

  /** Every value of that name as bytes: views of one block, not copied. */
  getAllBytes<K>(name: K): Bytes[] {
    return this.pairs().valuesBytes(keyOf<K>(name));
  }

  /** All values of that name joined with `,`, or null when there is none. */
  joined<K>(name: K): string | null {
    const values = this.getAll<K>(name);
    return values.length == 0 ? null : values.join(",");
  }

  /** Whether there is a value of that name, be it empty. */
  has<K>(name: K): bool {
    return find<K>(this.type, name) == Status.Ok;
  }

  /** Adds a value; well-known names (`:path`, `user-agent`, ...) get it joined to theirs with `,`. */
  add<K>(name: K, value: string): Status {
    const text = encode(value, VALUE, VALUE_SIZE);
    const size = encodedSize();
    const suspect = encodedSuspect();
    const key = nameOf<K>(name);
    if ((suspect || nameSuspect) && refused(key, nameSize, text, size)) return Status.BadArgument;
    return proxy_add_header_map_value(this.type, key, nameSize, text, size);
  }

  /** The same with a value of any bytes. */
  addBytes<K>(name: K, value: Bytes): Status {
    const key = nameOf<K>(name);
    if (refused(key, nameSize, value.ptr, <usize>value.length)) return Status.BadArgument;
    return proxy_add_header_map_value(this.type, key, nameSize, value.ptr, <usize>value.length);
  }

  /** Makes `value` the only value of that name, whether it exists or not. */
  replace<K>(name: K, value: string): Status {
    const text = encode(value, VALUE, VALUE_SIZE);
    const size = encodedSize();
    const suspect = encodedSuspect();
    const key = nameOf<K>(name);
    if ((suspect || nameSuspect) && refused(key, nameSize, text, size)) return Status.BadArgument;
    return proxy_replace_header_map_value(this.type, key, nameSize, text, size);
  }

  /** The same with a value of any bytes. */
  replaceBytes<K>(name: K, value: Bytes): Status {
    const key = nameOf<K>(name);
    if (refused(key, nameSize, value.ptr, <usize>value.length)) return Status.BadArgument;
    return proxy_replace_header_map_value(this.type, key, nameSize, value.ptr, <usize>value.length);
  }

  /** Removes every value of that name; a missing one is fine. */
  remove<K>(name: K): Status {
    const key = nameOf<K>(name);
    return proxy_remove_header_map_value(this.type, key, nameSize);
  }

  /** A snapshot of the whole map in the proxy's order, pseudo-headers first; empty when the map is not there. */
  pairs(): Pairs {
    if (proxy_get_header_map_pairs(this.type, OUT, OUT + 4) != Status.Ok) return new Pairs();
    return Pairs.decode(Bytes.take(load<usize>(OUT), load<usize>(OUT, 4)));
  }

  /** Replaces the whole map. Keep `:path`, `:method`, `:authority` and `x-forwarded-proto` in a request. */
  setPairs(pairs: Pairs): Status {
    if (pairs.breaksLine) {
      logError("CR, LF or NUL in a header: refused");
      return Status.BadArgument;
    }
    const block = pairs.encode();
    return proxy_set_header_map_pairs(this.type, block.ptr, <usize>block.length);
  }

  /** Bytes of all names and values together; 0 when the map is not there. */
  get byteSize(): i32 {
    return proxy_get_header_map_size(this.type, OUT) == Status.Ok ? load<i32>(OUT) : 0;
  }
}

/** The map of that type, as an object. */
export function headerMap(type: MapType): HeaderMap {
  return changetype<HeaderMap>(<usize>(<i32>type));
}

let nameSize: usize = 0;
let nameSuspect: bool = false;

/** Address of a name's bytes; `nameSize` has the length. */
function nameOf<K>(name: K): usize {
  if (isString(name)) {
    const address = encode(name as string, KEY, KEY_SIZE);
    nameSize = encodedSize();
    nameSuspect = encodedSuspect();
    return address;
  } else {
    const bytes = (name as HeaderName).bytes;
    nameSize = <usize>bytes.length;
    nameSuspect = (name as HeaderName).breaksLine;
    return bytes.ptr;
  }
}

function keyOf<K>(name: K): HeaderName {
  if (isString(name)) return new HeaderName(name as string);
  return name as HeaderName;
}

function find<K>(type: MapType, name: K): Status {
  const key = nameOf<K>(name);
  return proxy_get_header_map_value(type, key, nameSize, OUT, OUT + 4);
}

function refused(name: usize, nameLength: usize, value: usize, valueLength: usize): bool {
  const bad = breaksLine(name, nameLength) || breaksLine(value, valueLength);
  if (bad) logError("CR, LF or NUL in a header: refused");
  return bad;
}
