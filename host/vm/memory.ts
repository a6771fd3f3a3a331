/**
 * A guest's linear memory. The only place that touches `memory.buffer`: growth detaches every view, so views are
 * derived anew whenever the buffer has changed.
 */
export class GuestMemory {
  private bytes: Buffer;
  private view: DataView;

  constructor(private readonly memory: WebAssembly.Memory) {
    this.bytes = Buffer.from(memory.buffer);
    this.view = new DataView(memory.buffer);
  }

  private sync(): void {
    const buffer = this.memory.buffer;
    if (this.view.buffer === buffer) return;
    this.bytes = Buffer.from(buffer);
    this.view = new DataView(buffer);
  }

  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  /** Does `[ptr, ptr+size)` lie inside? A zero-length range may sit exactly at the end. Arguments may be negative i32s. */
  contains(ptr: number, size: number): boolean {
    return (ptr >>> 0) + (size >>> 0) <= this.memory.buffer.byteLength;
  }

  /** Bytes as Latin-1 text; undefined when the range is outside. */
  latin1(ptr: number, size: number): string | undefined {
    if (!this.contains(ptr, size)) return undefined;
    this.sync();
    const start = ptr >>> 0;
    return this.bytes.toString("latin1", start, start + (size >>> 0));
  }

  /** A copy of the bytes; undefined when the range is outside. */
  copy(ptr: number, size: number): Buffer | undefined {
    if (!this.contains(ptr, size)) return undefined;
    this.sync();
    const start = ptr >>> 0;
    return Buffer.from(this.bytes.subarray(start, start + (size >>> 0)));
  }

  writeU8(ptr: number, value: number): boolean {
    if (!this.contains(ptr, 1)) return false;
    this.sync();
    this.view.setUint8(ptr >>> 0, value);
    return true;
  }

  writeU32(ptr: number, value: number): boolean {
    if (!this.contains(ptr, 4)) return false;
    this.sync();
    this.view.setUint32(ptr >>> 0, value, true);
    return true;
  }

  writeU64(ptr: number, value: bigint): boolean {
    if (!this.contains(ptr, 8)) return false;
    this.sync();
    this.view.setBigUint64(ptr >>> 0, value, true);
    return true;
  }

  readU32(ptr: number): number | undefined {
    if (!this.contains(ptr, 4)) return undefined;
    this.sync();
    return this.view.getUint32(ptr >>> 0, true);
  }

  write(ptr: number, data: Buffer): boolean {
    if (!this.contains(ptr, data.length)) return false;
    this.sync();
    data.copy(this.bytes, ptr >>> 0);
    return true;
  }

  writeLatin1(ptr: number, text: string): boolean {
    if (!this.contains(ptr, text.length)) return false;
    this.sync();
    this.bytes.write(text, ptr >>> 0, "latin1");
    return true;
  }

  fill(ptr: number, size: number, fill: (target: Buffer) => void): boolean {
    if (!this.contains(ptr, size)) return false;
    this.sync();
    fill(this.bytes.subarray(ptr >>> 0, (ptr >>> 0) + (size >>> 0)));
    return true;
  }
}
