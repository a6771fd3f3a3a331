import { Bytes } from "../memory/bytes";
import { sequenceLength } from "../memory/decode";

/** Whether the bytes are UTF-8 throughout: no stray, overlong, surrogate or out-of-range sequence. */
export function isUtf8(bytes: Bytes): bool {
  const end = bytes.ptr + <usize>bytes.length;
  let at = bytes.ptr;
  while (at < end) {
    const lead = <u32>load<u8>(at);
    const size: usize = lead < 0x80 ? 1 : sequenceLength(at, end, lead);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

/** Whether a text came from UTF-8 throughout: it has no lone surrogate, which is how other bytes show in a string. */
export function isUnicode(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i) & 0xfc00;
    if (unit == 0xdc00) return false;
    if (unit == 0xd800 && (++i == text.length || (text.charCodeAt(i) & 0xfc00) != 0xdc00)) return false;
  }
  return true;
}
