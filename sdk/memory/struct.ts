import { decode } from "./decode";
import { numberText } from "./number-text";

/**
 * A `google.protobuf.Struct` as JSON text. A plugin's configuration may be written as YAML in the proxy's file; it
 * then arrives as the bytes of this message, and filters need not care. JSON text never passes for a Struct: its
 * first byte would have to be a newline, and everything after fit the message.
 */

const MAX_DEPTH = 100;

let at: usize = 0;
let json: string = "";

/** @returns the JSON text, or null when the bytes are not exactly one non-empty Struct */
export function structToJson(bytes: usize, size: usize): string | null {
  if (size == 0 || load<u8>(bytes) != 0x0a) return null;
  at = bytes;
  json = "";
  const ok = struct(bytes + size, 0);
  const text = json;
  json = "";
  return ok ? text : null;
}

/** `message Struct { map<string, Value> fields = 1; }`: entries of `1: key`, `2: value`. */
function struct(end: usize, depth: i32): bool {
  if (depth > MAX_DEPTH) return false;
  json += "{";
  let first = true;
  while (at < end) {
    const entryEnd = section(0x0a, end);
    if (entryEnd == 0) return false;
    if (!first) json += ",";
    first = false;
    if (at < entryEnd && load<u8>(at) == 0x0a) {
      const keyEnd = section(0x0a, entryEnd);
      if (keyEnd == 0) return false;
      text(keyEnd);
    } else {
      json += '""'; // a default value is left out
    }
    json += ":";
    if (at < entryEnd) {
      const valueEnd = section(0x12, entryEnd);
      if (valueEnd != entryEnd || !value(valueEnd, depth)) return false;
    } else {
      json += "null";
    }
  }
  json += "}";
  return at == end;
}

/** `message Value`: 1 null, 2 double, 3 string, 4 bool, 5 Struct, 6 ListValue. */
function value(end: usize, depth: i32): bool {
  if (at == end) {
    json += "null";
    return true;
  }
  switch (load<u8>(at)) {
    case 0x08:
      if (at + 2 != end) return false;
      at = end;
      json += "null";
      return true;
    case 0x11:
      if (at + 9 != end) return false;
      json += numberText(load<f64>(at, 1));
      at = end;
      return true;
    case 0x1a:
      if (section(0x1a, end) != end) return false;
      text(end);
      return true;
    case 0x20:
      if (at + 2 != end) return false;
      json += load<u8>(at, 1) ? "true" : "false";
      at = end;
      return true;
    case 0x2a:
      return section(0x2a, end) == end && struct(end, depth + 1);
    case 0x32:
      return section(0x32, end) == end && list(end, depth + 1);
    default:
      return false;
  }
}

/** `message ListValue { repeated Value values = 1; }` */
function list(end: usize, depth: i32): bool {
  if (depth > MAX_DEPTH) return false;
  json += "[";
  let first = true;
  while (at < end) {
    const valueEnd = section(0x0a, end);
    if (valueEnd == 0) return false;
    if (!first) json += ",";
    first = false;
    if (!value(valueEnd, depth)) return false;
  }
  json += "]";
  return at == end;
}

/** Enters a length-delimited field with that tag; answers its end, or 0 when there is none. */
function section(tag: u8, end: usize): usize {
  if (at >= end || load<u8>(at) != tag) return 0;
  at++;
  let size: u64 = 0;
  for (let shift: u64 = 0; at < end && shift < 35; shift += 7) {
    const byte = load<u8>(at++);
    size |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) return size <= <u64>(end - at) ? at + <usize>size : 0;
  }
  return 0;
}

function text(end: usize): void {
  const content = decode(at, end - at);
  at = end;
  json += '"';
  let start = 0;
  for (let i = 0; i < content.length; i++) {
    const unit = content.charCodeAt(i);
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c) continue;
    json += content.substring(start, i);
    if (unit < 0x20) json += `\\u00${unit < 0x10 ? "0" : "1"}${String.fromCharCode(hexSign(unit & 15))}`;
    else json += `\\${String.fromCharCode(unit)}`;
    start = i + 1;
  }
  json += content.substring(start);
  json += '"';
}

function hexSign(value: i32): i32 {
  return value < 10 ? 48 + value : 87 + value;
}
