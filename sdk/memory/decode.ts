/** Of eight bytes the bits that only other than ASCII has. */
const NOT_ASCII: u64 = ((<u64>0x80808080) << 32) | 0x80808080;

/**
 * Bytes to text. UTF-8 becomes what it says; each byte that is not part of valid UTF-8 becomes the lone surrogate
 * U+DC00 + byte, so that every byte sequence has exactly one string and `encode` gives the same bytes back.
 */
export function decode(source: usize, length: usize): string {
  if (length == 0) return "";
  const text = __new(length << 1, idof<string>());
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) {
    const bytes = load<u64>(source + i);
    if ((bytes & NOT_ASCII) != 0) return decodeWide(source, length, text);
    store<u64>(text + (i << 1), spread(bytes & 0xffffffff));
    store<u64>(text + (i << 1), spread(bytes >> 32), 8);
  }
  for (; i < length; i++) {
    const byte = load<u8>(source + i);
    if (byte > 0x7f) return decodeWide(source, length, text);
    store<u16>(text + (i << 1), byte);
  }
  return changetype<string>(text);
}

/** Four bytes as four UTF-16 units. */
function spread(bytes: u64): u64 {
  const pairs = (bytes | (bytes << 16)) & (((<u64>0xffff) << 32) | 0xffff);
  return (pairs | (pairs << 8)) & (((<u64>0xff00ff) << 32) | 0xff00ff);
}

/** `scratch` has room for a UTF-16 unit for each byte; the text may need fewer and is copied to its own size. */
function decodeWide(source: usize, length: usize, scratch: usize): string {
  const size = decodeUnits(source, length, scratch);
  const text = __new(size, idof<string>());
  memory.copy(text, scratch, size);
  return changetype<string>(text);
}

/** Writes at most one UTF-16 unit for each byte; returns the bytes written. */
function decodeUnits(source: usize, length: usize, target: usize): usize {
  const end = source + length;
  let to = target;
  for (let at = source; at < end; ) {
    const lead = <u32>load<u8>(at);
    if (lead < 0x80) {
      store<u16>(to, lead);
      to += 2;
      at++;
      continue;
    }
    const size = sequenceLength(at, end, lead);
    if (size == 0) {
      store<u16>(to, 0xdc00 | lead);
      to += 2;
      at++;
      continue;
    }
    let code = lead & (0x7f >> <u32>size);
    for (let i: usize = 1; i < size; i++) code = (code << 6) | (load<u8>(at + i) & 0x3f);
    at += size;
    if (code < 0x10000) {
      store<u16>(to, code);
      to += 2;
    } else {
      code -= 0x10000;
      store<u16>(to, 0xd800 | (code >> 10));
      store<u16>(to, 0xdc00 | (code & 0x3ff), 2);
      to += 4;
    }
  }
  return to - target;
}

/** @internal Bytes of the well-formed sequence (Unicode table 3-7) that starts here; 0 = none does. */
export function sequenceLength(at: usize, end: usize, lead: u32): usize {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size: usize = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + size > end) return 0;
  const second = <u32>load<u8>(at, 1);
  const low: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const high: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i: usize = 2; i < size; i++) {
    if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  }
  return size;
}
