import { Bytes } from "../memory/bytes";

/** The two alphabets of RFC 4648 differ in their last two signs. */
const PLUS = 43;
const SLASH = 47;
const MINUS = 45;
const UNDERSCORE = 95;
const PAD = 61;

/** Base64 with padding. */
export function encodeBase64(bytes: Bytes): string {
  return encodeWith(bytes, PLUS, SLASH, true);
}

/** Base64url without padding, as in JWTs and URLs. */
export function encodeBase64Url(bytes: Bytes): string {
  return encodeWith(bytes, MINUS, UNDERSCORE, false);
}

/** Reads base64; null unless it is canonical: its own alphabet, full padding, no stray bits, no spaces. */
export function decodeBase64(text: string): Bytes | null {
  const size = text.length;
  if ((size & 3) != 0) return null;
  let end = size;
  while (end > size - 2 && end > 0 && text.charCodeAt(end - 1) == PAD) end--;
  return decodeWith(text, end, PLUS, SLASH, false);
}

/** Reads base64url without padding; null unless it is canonical. */
export function decodeBase64Url(text: string): Bytes | null {
  return decodeWith(text, text.length, MINUS, UNDERSCORE, false);
}

/**
 * Reads base64url as Envoy's reader of tokens and keys does: white space is skipped, padding may be there if it is whole,
 * and bits beyond the last byte say nothing. Null when it is none.
 */
export function decodeBase64UrlLenient(text: string): Bytes | null {
  let signs = 0;
  let pads = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isSpace(c)) continue;
    if (c == PAD) pads++;
    else if (pads > 0) return null;
    else signs++;
  }
  if (pads != 0 && pads != ((4 - (signs & 3)) & 3)) return null;
  return decodeWith(text, signs, MINUS, UNDERSCORE, true);
}

function isSpace(c: i32): bool {
  return c == 32 || (c >= 9 && c <= 13);
}

function encodeWith(bytes: Bytes, sign62: i32, sign63: i32, padded: bool): string {
  const size = bytes.length;
  const rest = size % 3;
  const groups = size / 3;
  const length = (groups << 2) + (rest == 0 ? 0 : padded ? 4 : rest + 1);
  if (length == 0) return "";
  const text = __new((<usize>length) << 1, idof<string>());
  let to = text;
  for (let i = 0; i < size; i += 3) {
    const left = size - i;
    const bits = ((<u32>bytes.at(i)) << 16) | ((<u32>bytes.at(i + 1)) << 8) | <u32>bytes.at(i + 2);
    const signs = left > 2 ? 4 : left + 1;
    for (let sign = 0; sign < 4; sign++) {
      if (sign >= signs && !padded) break;
      const value = (bits >> <u32>(18 - 6 * sign)) & 63;
      store<u16>(to, sign < signs ? signOf(value, sign62, sign63) : PAD);
      to += 2;
    }
  }
  return changetype<string>(text);
}

function signOf(value: i32, sign62: i32, sign63: i32): i32 {
  if (value < 26) return 65 + value;
  if (value < 52) return 71 + value;
  if (value < 62) return value - 4;
  return value == 62 ? sign62 : sign63;
}

/** Reads that many signs; a lenient reader passes over spaces between them, and over bits that are left. */
function decodeWith(text: string, length: i32, sign62: i32, sign63: i32, lenient: bool): Bytes | null {
  const rest = length & 3;
  if (rest == 1) return null;
  const size = (length >> 2) * 3 + (rest == 0 ? 0 : rest - 1);
  const block = new ArrayBuffer(size);
  let to = changetype<usize>(block);
  let bits: u32 = 0;
  let count: u32 = 0;
  for (let i = 0, read = 0; read < length; i++) {
    const sign = text.charCodeAt(i);
    if (lenient && isSpace(sign)) continue;
    read++;
    const value = bitsOf(sign, sign62, sign63);
    if (value < 0) return null;
    bits = (bits << 6) | <u32>value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    store<u8>(to++, bits >> count);
    bits &= (1 << count) - 1;
  }
  return bits == 0 || lenient ? Bytes.view(block) : null;
}

function bitsOf(sign: i32, sign62: i32, sign63: i32): i32 {
  if (sign >= 65 && sign <= 90) return sign - 65;
  if (sign >= 97 && sign <= 122) return sign - 71;
  if (sign >= 48 && sign <= 57) return sign + 4;
  return sign == sign62 ? 62 : sign == sign63 ? 63 : -1;
}
