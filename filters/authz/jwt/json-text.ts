import { JsonKind, JsonValue, parseJson } from "proxy-wasm-toolkit/sdk/text/json";
import { general } from "./decimal";

const HEX = "0123456789abcdef";

/** Characters that protobuf's JSON writer escapes besides controls, quote and backslash: first and last of each range. */
const ESCAPED: i32[] = [
  0x3c, 0x3c, 0x3e, 0x3e, 0x7f, 0x9f, 0xad, 0xad, 0x600, 0x603, 0x6dd, 0x6dd, 0x70f, 0x70f, 0x17b4, 0x17b5,
  0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x2064, 0x206a, 0x206f, 0xfeff, 0xfeff, 0xfff9, 0xfffb, 0x1d173,
  0x1d17a, 0xe0001, 0xe0001, 0xe0020, 0xe007f,
];

/** JSON as Envoy writes a claim that is a list or an object; an object's members in the order of the token. */
export function jsonText(value: JsonValue): string {
  if (value.kind == JsonKind.Null) return "null";
  if (value.kind == JsonKind.Bool) return value.number != 0 ? "true" : "false";
  if (value.kind == JsonKind.Number) return numberText(value.number);
  if (value.isText) return quoted(value.text);
  const parts: string[] = [];
  for (let i = 0; i < value.items.length; i++) {
    const item = jsonText(value.items[i]);
    parts.push(value.isObject ? `${quoted(value.keys[i])}:${item}` : item);
  }
  const inner = parts.join(",");
  return value.isObject ? `{${inner}}` : `[${inner}]`;
}

function quoted(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i);
    const size = point > 0xffff ? 2 : 1;
    if (mustEscape(point)) for (let k = 0; k < size; k++) out += escaped(text.charCodeAt(i + k));
    else out += text.substring(i, i + size);
    i += size - 1;
  }
  return `${out}"`;
}

function mustEscape(point: i32): bool {
  if (point < 0x7f) return point < 32 || point == 34 || point == 92 || point == 0x3c || point == 0x3e;
  for (let i = 0; i < ESCAPED.length; i += 2) if (point <= ESCAPED[i + 1]) return point >= ESCAPED[i];
  return false;
}

function escaped(unit: i32): string {
  if (unit == 34) return '\\"';
  if (unit == 92) return "\\\\";
  if (unit == 8) return "\\b";
  if (unit == 9) return "\\t";
  if (unit == 10) return "\\n";
  if (unit == 12) return "\\f";
  if (unit == 13) return "\\r";
  let digits = "";
  for (let shift = 12; shift >= 0; shift -= 4) digits += HEX.charAt((unit >> shift) & 15);
  return `\\u${digits}`;
}

/** The shorter of two forms that reads as the same number, as protobuf does it. */
function numberText(value: f64): string {
  const short = general(value, 15);
  const read = parseJson(short).value;
  return read != null && read.number == value ? short : general(value, 17);
}
