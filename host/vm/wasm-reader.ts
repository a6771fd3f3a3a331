import { ModuleError } from "../errors";

const OVER_LONG = "the wasm binary has an over-long number";

/** Size of a memory in pages, of a table in elements. */
export interface Limits {
  /** 1 = has a maximum, 2 = shared, 4 = 64-bit. */
  flags: number;
  initial: number;
  maximum: number | undefined;
}

/** A cursor over a wasm binary; reading past the end is a ModuleError, never garbage. */
export class WasmReader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  get position(): number {
    return this.at;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new ModuleError("the wasm binary ends too early");
    return value;
  }

  u32(): number {
    const value = this.unsigned(35);
    if (value > 0xffffffff) throw new ModuleError(OVER_LONG);
    return value;
  }

  private unsigned(bits: number): number {
    let value = 0;
    for (let shift = 0; shift < bits; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ModuleError(OVER_LONG);
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

  /** A signed number of up to 33 bits. */
  signed(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    throw new ModuleError(OVER_LONG);
  }

  /** Limits of a table or memory: flags, minimum, optional maximum. */
  limits(): Limits {
    const flags = this.byte();
    const wide = (flags & 4) !== 0;
    const initial = this.unsigned(wide ? 70 : 35);
    return { flags, initial, maximum: flags & 1 ? this.unsigned(wide ? 70 : 35) : undefined };
  }
}
