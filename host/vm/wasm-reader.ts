import { ModuleError } from "../errors";

/** A cursor over a wasm binary; reading past the end is a ModuleError, never garbage. */
export class WasmReader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new ModuleError("the wasm binary ends too early");
    return value;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ModuleError("the wasm binary has an over-long number");
  }

  name(): string {
    return new TextDecoder().decode(this.sub(this.u32()));
  }

  sub(size: number): Uint8Array {
    const end = this.at + size;
    if (end > this.bytes.length) throw new ModuleError("the wasm binary ends too early");
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  /** Everything not read yet. */
  rest(): Uint8Array {
    return this.sub(this.bytes.length - this.at);
  }

  /** Limits of a table or memory: flags, minimum, optional maximum. */
  limits(): void {
    const flags = this.byte();
    this.u32();
    if (flags & 1) this.u32();
  }
}
