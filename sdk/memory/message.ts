import { Bytes } from "./bytes";
import { decode } from "./decode";

/** How a field is written: protobuf's wire types. */
export enum WireType {
  Varint = 0,
  Fixed64 = 1,
  Bytes = 2,
  Fixed32 = 5,
}

/**
 * Writes a protobuf message field by field, by number. Values that are proto3's defaults are left out, as its own
 * encoders do; `always` writes them (a repeated field, a oneof).
 * @example const message = new MessageWriter().text(1, "sha256").bytes(3, signature).finish();
 */
export class MessageWriter {
  private block: ArrayBuffer = new ArrayBuffer(64);
  private size: usize = 0;

  /** A string or, encoded before, any text. */
  text(field: u32, value: string, always: bool = false): MessageWriter {
    return this.bytes(field, Bytes.of(value), always);
  }

  /** Bytes, or a message made by another writer. */
  bytes(field: u32, value: Bytes, always: bool = false): MessageWriter {
    if (value.length == 0 && !always) return this;
    this.tag(field, WireType.Bytes);
    this.varint(<u64>value.length);
    const to = this.reserve(<usize>value.length);
    memory.copy(to, value.ptr, <usize>value.length);
    return this;
  }

  /** An int32, int64, uint32, uint64 or enum. */
  int(field: u32, value: i64, always: bool = false): MessageWriter {
    if (value == 0 && !always) return this;
    this.tag(field, WireType.Varint);
    this.varint(<u64>value);
    return this;
  }

  /** A `bool` field. */
  bool(field: u32, value: bool, always: bool = false): MessageWriter {
    return this.int(field, value ? 1 : 0, always);
  }

  /** A `double` field. */
  double(field: u32, value: f64, always: bool = false): MessageWriter {
    if (reinterpret<u64>(value) == 0 && !always) return this;
    this.tag(field, WireType.Fixed64);
    store<f64>(this.reserve(8), value);
    return this;
  }

  /** The message so far. */
  finish(): Bytes {
    return Bytes.copyOf(changetype<usize>(this.block), this.size);
  }

  private tag(field: u32, type: WireType): void {
    this.varint(((<u64>field) << 3) | <u64>type);
  }

  private varint(value: u64): void {
    const to = this.reserve(10);
    let size: usize = 0;
    while (value > 127) {
      store<u8>(to + size++, 0x80 | (value & 0x7f));
      value >>= 7;
    }
    store<u8>(to + size++, value);
    this.size -= 10 - size;
  }

  /** Room for `more` bytes at the end; their address. */
  private reserve(more: usize): usize {
    const needed = this.size + more;
    if (needed > <usize>this.block.byteLength) {
      const grown = new ArrayBuffer(<i32>(needed + (needed >> 1)));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.block), this.size);
      this.block = grown;
    }
    const to = changetype<usize>(this.block) + this.size;
    this.size = needed;
    return to;
  }
}

/**
 * Reads a protobuf message field by field, in the order they stand. Never traps: a message that is cut short or wrong ends
 * early, with `failed` set.
 * @example
 * const reader = new MessageReader(reply);
 * while (reader.next()) if (reader.field == 2) error = reader.text;
 */
export class MessageReader {
  /** Number of the current field. */
  field: u32 = 0;
  /** How it is written. */
  type: WireType = WireType.Varint;
  /** A number (`Varint`, `Fixed64`, `Fixed32`), or the length of the bytes. */
  int: i64 = 0;
  /** Whether the message is wrong. */
  failed: bool = false;
  private at: i32 = 0;
  private start: i32 = 0;

  constructor(private message: Bytes) {}

  /** Goes to the next field; false at the end. */
  next(): bool {
    if (this.failed || this.at >= this.message.length) return false;
    const tag = this.varint();
    this.field = <u32>(tag >> 3);
    this.type = <WireType>(<i32>(tag & 7));
    this.start = this.at;
    if (this.type == WireType.Varint) this.int = <i64>this.varint();
    else if (this.type == WireType.Fixed64) this.int = this.fixed(8);
    else if (this.type == WireType.Fixed32) this.int = this.fixed(4);
    else if (this.type == WireType.Bytes) this.skip(this.varint());
    else this.failed = true;
    if (tag >> 3 == 0 || tag >> 32 != 0) this.failed = true;
    return !this.failed;
  }

  /** The current field's bytes, a view; empty for a number. */
  get bytes(): Bytes {
    if (this.type != WireType.Bytes) return Bytes.of("");
    return this.message.slice(this.start, this.start + <i32>this.int);
  }

  /** The current field as `string`; "" when it is of another wire type. */
  get text(): string {
    const bytes = this.bytes;
    return decode(bytes.ptr, <usize>bytes.length);
  }

  /** The current field as `bool`. */
  get bool(): bool {
    return this.int != 0;
  }

  /** The current field as a double (`Fixed64`). */
  get double(): f64 {
    return reinterpret<f64>(this.int);
  }

  private skip(size: u64): void {
    this.start = this.at;
    this.int = <i64>size;
    if (size > <u64>(this.message.length - this.at)) this.failed = true;
    else this.at += <i32>size;
  }

  private fixed(size: i32): i64 {
    if (this.at + size > this.message.length) {
      this.failed = true;
      return 0;
    }
    const from = this.message.ptr + <usize>this.at;
    this.at += size;
    return size == 8 ? load<i64>(from) : <i64>load<u32>(from);
  }

  private varint(): u64 {
    let value: u64 = 0;
    for (let shift: u64 = 0; shift < 70 && this.at < this.message.length; shift += 7) {
      const byte = <u64>this.message.at(this.at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.failed = true;
    return 0;
  }
}
