/** Text here is Latin-1: one character a byte, so that any bytes pass through strings unharmed. */

/** Address of the bytes of a text; its length is the text's. Never freed: guests of the tests are short-lived. */
export function bytesOf(text: string): usize {
  const size = text.length;
  const data = heap.alloc(size);
  for (let i = 0; i < size; i++) store<u8>(data + i, <u8>text.charCodeAt(i));
  return data;
}

export function textAt(data: usize, size: usize): string {
  const codes = new Array<i32>(<i32>size);
  for (let i = 0; i < <i32>size; i++) codes[i] = load<u8>(data + i);
  return String.fromCharCodes(codes);
}

const HEX = "0123456789ABCDEF";

/** Printable ASCII as it is, everything else (and `%`, `|`) as %XX. */
export function percentEncode(text: string): string {
  let out = "";
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code <= 0x7e && code != 0x25 && code != 0x7c) continue;
    out += `${text.substring(from, i)}%${HEX.charAt(code >> 4)}${HEX.charAt(code & 15)}`;
    from = i + 1;
  }
  return from == 0 ? text : out + text.substring(from);
}

/** Turns %XX back into characters. */
export function percentDecode(text: string): string {
  if (text.indexOf("%") < 0) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) != 0x25) {
      out += text.charAt(i);
      continue;
    }
    out += String.fromCharCode(<i32>parseInt(text.substring(i + 1, i + 3), 16));
    i += 2;
  }
  return out;
}

/** The ABI's serialized pairs, as text. */
export function encodePairs(items: string[]): string {
  const count = items.length / 2;
  let out = u32Text(count);
  for (let i = 0; i < count * 2; i++) out += u32Text(items[i].length);
  for (let i = 0; i < count * 2; i++) out += `${items[i]}\0`;
  return out;
}

/** `name=value|name=value`, each percentEncode. */
export function decodePairs(data: usize, size: usize): string {
  if (size < 4) return "";
  const count = load<u32>(data);
  let sizes = data + 4;
  let at = sizes + count * 8;
  const parts: string[] = [];
  for (let i: u32 = 0; i < count; i++) {
    const nameSize = load<u32>(sizes);
    const valueSize = load<u32>(sizes + 4);
    const name = textAt(at, nameSize);
    const value = textAt(at + nameSize + 1, valueSize);
    parts.push(`${percentEncode(name)}=${percentEncode(value)}`);
    at += nameSize + valueSize + 2;
    sizes += 8;
  }
  return parts.join("|");
}

function u32Text(value: u32): string {
  return String.fromCharCodes([
    <i32>(value & 255),
    <i32>((value >> 8) & 255),
    <i32>((value >> 16) & 255),
    <i32>(value >> 24),
  ]);
}
