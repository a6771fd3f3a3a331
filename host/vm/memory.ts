/** Texts up to this length are read and written without leaving JavaScript, and are remembered. */
const SHORT = 32;
/** Texts remembered at most; a power of two. */
const REMEMBERED = 1024;

/**
 * A guest's linear memory. The only place that touches `memory.buffer`: growth detaches every view, so views are
 * derived anew whenever the buffer has changed.
 */
export class GuestMemory {
  private bytes: Buffer;
  private view: DataView;
  /** Shared memories are not detached when they grow. */
  private readonly shared: boolean;
  /** Guests use the same names again and again: short texts seen before. */
  private readonly texts = new Array<string>(REMEMBERED).fill("");

  constructor(private readonly memory: WebAssembly.Memory) {
    this.bytes = Buffer.from(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.shared = !(memory.buffer instanceof ArrayBuffer);
  }

  /** The bytes of the memory as it is now. Asking the memory for its buffer is slow: a detached view tells of growth. */
  private get live(): Buffer {
    if (this.bytes.length === 0 || this.shared) {
      const { buffer } = this.memory;
      if (this.view.buffer !== buffer) {
        this.bytes = Buffer.from(buffer);
        this.view = new DataView(buffer);
      }
    }
    return this.bytes;
  }

  get byteLength(): number {
    return this.live.length;
  }

  /** Does `[ptr, ptr+size)` lie inside? A zero-length range may sit exactly at the end. Arguments may be negative i32s. */
  contains(ptr: number, size: number): boolean {
    return (ptr >>> 0) + (size >>> 0) <= this.live.length;
  }

  /** Bytes as Latin-1 text; undefined when the range is outside. */
  latin1(ptr: number, size: number): string | undefined {
    if (!this.contains(ptr, size)) return undefined;
    const start = ptr >>> 0;
    const length = size >>> 0;
    if (length === 0) return "";
    return length <= SHORT
      ? this.shortText(start, length)
      : this.bytes.toString("latin1", start, start + length);
  }

  /** The string that was made of the same bytes before, or a new one. */
  private shortText(start: number, length: number): string {
    const { bytes, texts } = this;
    const middle = start + (length >> 1);
    const last = start + length - 1;
    const slot =
      (31 * length + 7 * bytes[start]! + 67 * bytes[middle]! + 131 * bytes[last]!) & (REMEMBERED - 1);
    const known = texts[slot]!;
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
      if (i === length) return known;
    }
    const text = bytes.toString("latin1", start, start + length);
    texts[slot] = text;
    return text;
  }

  /** A copy of the bytes; undefined when the range is outside. */
  copy(ptr: number, size: number): Buffer | undefined {
    if (!this.contains(ptr, size)) return undefined;
    const start = ptr >>> 0;
    return Buffer.from(this.bytes.subarray(start, start + (size >>> 0)));
  }

  writeU8(ptr: number, value: number): boolean {
    if (!this.contains(ptr, 1)) return false;
    this.view.setUint8(ptr >>> 0, value);
    return true;
  }

  writeU32(ptr: number, value: number): boolean {
    if (!this.contains(ptr, 4)) return false;
    this.view.setUint32(ptr >>> 0, value, true);
    return true;
  }

  writeU64(ptr: number, value: bigint): boolean {
    if (!this.contains(ptr, 8)) return false;
    this.view.setBigUint64(ptr >>> 0, value, true);
    return true;
  }

  readU32(ptr: number): number | undefined {
    if (!this.contains(ptr, 4)) return undefined;
    return this.view.getUint32(ptr >>> 0, true);
  }

  write(ptr: number, data: Buffer): boolean {
    if (!this.contains(ptr, data.length)) return false;
    data.copy(this.bytes, ptr >>> 0);
    return true;
  }

  writeLatin1(ptr: number, text: string): boolean {
    if (!this.contains(ptr, text.length)) return false;
    const { bytes } = this;
    const start = ptr >>> 0;
    if (text.length > SHORT) bytes.write(text, start, "latin1");
    else for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
    return true;
  }

  fill(ptr: number, size: number, fill: (target: Buffer) => void): boolean {
    if (!this.contains(ptr, size)) return false;
    fill(this.bytes.subarray(ptr >>> 0, (ptr >>> 0) + (size >>> 0)));
    return true;
  }
}
