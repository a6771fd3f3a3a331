/**
 * Text to bytes. Strings travel as UTF-8; a byte that was not UTF-8 when it was read lives in a string as a lone
 * surrogate U+DC80..U+DCFF (see decode.ts) and becomes that very byte again, so no value changes on its way through.
 */

import { HEADER } from "./blocks";

let size: usize = 0;
let suspect: bool = false;

/** Bytes the last `encode` wrote. */
export function encodedSize(): usize {
  return size;
}

/** Whether the last `encode` may have written NUL, CR or LF. */
export function encodedSuspect(): bool {
  return suspect;
}

/**
 * Encodes into `area` when the text fits there, else into a new block. A literal of the program is encoded the first
 * time, and found again whenever it comes back.
 * @returns the address, for reading only; `encodedSize` has the length
 */
export function encode(text: string, area: usize, capacity: usize): usize {
  const source = changetype<usize>(text);
  if (source >= __heap_base) return encodeText(text, area, capacity);
  // The first field of an object's header is the allocator's, which has no use for those of static data.
  let known = load<usize>(source - HEADER);
  if (known < __heap_base) known = encodeLiteral(text);
  size = load<u32>(known);
  suspect = load<bool>(known, 4);
  return known + 5;
}

function encodeLiteral(text: string): usize {
  const bytes = encodeText(text, 0, 0);
  const known = heap.alloc(size + 5);
  store<u32>(known, size);
  store<bool>(known, suspect && breaksLine(bytes, size), 4);
  memory.copy(known + 5, bytes, size);
  store<usize>(changetype<usize>(text) - HEADER, known);
  return known;
}

/** The same, always anew: for what owns or changes the bytes, or must do without memory. */
export function encodeText(text: string, area: usize, capacity: usize): usize {
  const units = <usize>text.length;
  const source = changetype<usize>(text);
  const target = units <= capacity ? area : __new(units, idof<ArrayBuffer>());
  let low = false;
  for (let i: usize = 0; i < units; i++) {
    const unit = <u32>load<u16>(source + (i << 1));
    if (unit > 0x7f) return encodeWide(source, units);
    if (unit < 14) low = true;
    store<u8>(target + i, unit);
  }
  suspect = low;
  size = units;
  return target;
}

function encodeWide(source: usize, units: usize): usize {
  const target = __new(units * 3, idof<ArrayBuffer>());
  suspect = true;
  size = encodeUnits(source, units, target);
  return target;
}

/** Writes at most three bytes for each UTF-16 unit; returns how many. */
function encodeUnits(source: usize, units: usize, target: usize): usize {
  const end = source + (units << 1);
  let to = target;
  for (let at = source; at < end; at += 2) {
    let code = <u32>load<u16>(at);
    if (code - 0xdc80 < 0x80) {
      store<u8>(to++, code);
      continue;
    }
    if ((code & 0xf800) == 0xd800) {
      const low: u32 = at + 2 < end ? <u32>load<u16>(at, 2) : 0;
      if (code < 0xdc00 && (low & 0xfc00) == 0xdc00) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        at += 2;
      } else {
        code = 0xfffd;
      }
    }
    if (code < 0x80) {
      store<u8>(to++, code);
      continue;
    }
    const size: usize = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (let i = size - 1; i > 0; i--) {
      store<u8>(to + i, 0x80 | (code & 0x3f));
      code >>= 6;
    }
    store<u8>(to, (0xf00 >> <u32>size) | code);
    to += size;
  }
  return to - target;
}

/** Whether a header name or value holds NUL, CR or LF, which no message may carry in one line. */
export function breaksLine(bytes: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) {
    const byte = <u32>load<u8>(bytes + i);
    if (byte < 14 && ((1 << byte) & 0x2401) != 0) return true;
  }
  return false;
}
