import { decode } from "./decode";
import { encodedSize, encodeText } from "./encode";
import { SCRATCH } from "./layout";

/** A read-only run of bytes: a header value, a body, a property, a message. */
export class Bytes {
  /** Keeps the memory alive that `address` points into; null when it is static or the view is empty. */
  private constructor(
    private owner: ArrayBuffer | null,
    private address: usize,
    private size: i32,
  ) {}

  /** UTF-8 of a text. */
  static of(text: string): Bytes {
    const address = encodeText(text, 0, 0);
    return Bytes.own(address, encodedSize());
  }

  /** A view of a buffer, without copying. */
  static view(buffer: ArrayBuffer): Bytes {
    return new Bytes(buffer, changetype<usize>(buffer), buffer.byteLength);
  }

  /** A copy of any memory. */
  static copyOf(address: usize, size: usize): Bytes {
    const block = __new(size, idof<ArrayBuffer>());
    memory.copy(block, address, size);
    return Bytes.own(block, size);
  }

  /** A block the host has just handed over: copied when it lies in the shared buffer, else taken as it is. */
  static take(address: usize, size: usize): Bytes {
    return address == SCRATCH ? Bytes.copyOf(address, size) : Bytes.own(address, size);
  }

  private static own(address: usize, size: usize): Bytes {
    return new Bytes(size > 0 ? changetype<ArrayBuffer>(address) : null, address, <i32>size);
  }

  /** Number of bytes. */
  get length(): i32 {
    return this.size;
  }

  /** Address of the first byte, for raw hostcalls; valid while this object is. */
  get ptr(): usize {
    return this.address;
  }

  /** The byte at `index`, or 0 outside. */
  at(index: i32): u8 {
    return <u32>index < <u32>this.size ? load<u8>(this.address + <usize>index) : 0;
  }

  /** A view of `[start, end)` without copying; the bounds are clamped. */
  slice(start: i32, end: i32 = i32.MAX_VALUE): Bytes {
    const from = min(max(start, 0), this.size);
    const to = min(max(end, from), this.size);
    return new Bytes(this.owner, this.address + <usize>from, to - from);
  }

  /** Index of the first occurrence of `needle` at or after `from`, or -1. */
  indexOf(needle: Bytes, from: i32 = 0): i32 {
    const last = this.size - needle.size;
    for (let i = max(from, 0); i <= last; i++) {
      if (memory.compare(this.address + <usize>i, needle.address, <usize>needle.size) == 0) return i;
    }
    return -1;
  }

  /** Whether these bytes begin with those. */
  startsWith(head: Bytes): bool {
    return this.size >= head.size && memory.compare(this.address, head.address, <usize>head.size) == 0;
  }

  /** These bytes, then those. */
  concat(tail: Bytes): Bytes {
    const size = <usize>(this.size + tail.size);
    const block = __new(size, idof<ArrayBuffer>());
    memory.copy(block, this.address, <usize>this.size);
    memory.copy(block + <usize>this.size, tail.address, <usize>tail.size);
    return Bytes.own(block, size);
  }

  /** Same bytes. */
  equals(other: Bytes): bool {
    return this.size == other.size && memory.compare(this.address, other.address, <usize>this.size) == 0;
  }

  /** The text; bytes that are not UTF-8 become lone surrogates and turn into the same bytes when sent again. */
  toString(): string {
    return decode(this.address, <usize>this.size);
  }

  /** A buffer of its own with the same content. */
  toArrayBuffer(): ArrayBuffer {
    const block = __new(<usize>this.size, idof<ArrayBuffer>());
    memory.copy(block, this.address, <usize>this.size);
    return changetype<ArrayBuffer>(block);
  }
}
