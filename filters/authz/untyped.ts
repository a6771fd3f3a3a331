import { Bytes, Pairs } from "proxy-wasm-toolkit/sdk";
import { isUtf8 } from "proxy-wasm-toolkit/sdk/text/utf8";

/**
 * Values of metadata come without their type. A number is 8 bytes and a boolean one: those that mean anything hold bytes no
 * text has. A list is pairs of an item and nothing, a map pairs of a key and a value.
 */
export function textOf(value: Bytes | null): string | null {
  if (value == null || isPairs(value)) return null;
  const small = value.length == 8 || value.length == 1;
  return small && !isPlain(value) ? null : value.toString();
}

/** The texts in a list; null when the value is none. */
export function listOf(value: Bytes | null): string[] | null {
  if (value == null || !isPairs(value)) return null;
  const items = Pairs.decode(value);
  const found: string[] = [];
  for (let i = 0; i < items.length; i++) {
    if (items.valueBytes(i).length > 0) return null;
    const text = textOf(items.nameBytes(i));
    if (text != null) found.push(text);
  }
  return found;
}

function isPairs(value: Bytes): bool {
  if (value.length == 4) return load<u32>(value.ptr) == 0;
  const items = Pairs.decode(value);
  return items.length > 0 && items.encode().length == value.length;
}

function isPlain(value: Bytes): bool {
  for (let i = 0; i < value.length; i++) if (value.at(i) < 32) return false;
  return isUtf8(value);
}
