import { Bytes } from "./bytes";
import { breaksLine } from "./encode";

/**
 * A list of name/value pairs in the order it was built or received; names may repeat. On the wire: a count, the
 * sizes of all names and values, then each name and value with a closing NUL.
 */
export class Pairs {
  private names: Bytes[] = [];
  private values: Bytes[] = [];

  /** Reads a block of pairs; one that is cut short or inconsistent reads as an empty list, as hosts read it. */
  static decode(block: Bytes): Pairs {
    const pairs = new Pairs();
    const length = block.length;
    if (length < 4) return pairs;
    const base = block.ptr;
    const count = load<u32>(base);
    let at: u64 = 4 + <u64>count * 8;
    if (at > <u64>length) return pairs;
    for (let i: u32 = 0; i < count; i++) {
      const sizes = base + 4 + ((<usize>i) << 3);
      const nameSize = <u64>load<u32>(sizes);
      const valueSize = <u64>load<u32>(sizes, 4);
      if (at + nameSize + valueSize + 2 > <u64>length) return new Pairs();
      const value = at + nameSize + 1;
      pairs.addBytes(
        block.slice(<i32>at, <i32>(at + nameSize)),
        block.slice(<i32>value, <i32>(value + valueSize)),
      );
      at = value + valueSize + 1;
    }
    return pairs;
  }

  /** Number of pairs. */
  get length(): i32 {
    return this.names.length;
  }

  /** Name of the pair at `index`; the index must be in range. */
  name(index: i32): string {
    return this.names[index].toString();
  }

  /** Value of the pair at `index`; the index must be in range. */
  value(index: i32): string {
    return this.values[index].toString();
  }

  nameBytes(index: i32): Bytes {
    return this.names[index];
  }

  valueBytes(index: i32): Bytes {
    return this.values[index];
  }

  /** First value of that name (exact bytes), or null. */
  get(name: string): string | null {
    const wanted = Bytes.of(name);
    for (let i = 0; i < this.names.length; i++) {
      if (this.names[i].equals(wanted)) return this.values[i].toString();
    }
    return null;
  }

  /** Appends a pair and returns the list. */
  add(name: string, value: string): Pairs {
    return this.addBytes(Bytes.of(name), Bytes.of(value));
  }

  addBytes(name: Bytes, value: Bytes): Pairs {
    this.names.push(name);
    this.values.push(value);
    return this;
  }

  /** Whether a name or value holds NUL, CR or LF. */
  get breaksLine(): bool {
    for (let i = 0; i < this.names.length; i++) {
      const name = this.names[i];
      const value = this.values[i];
      if (breaksLine(name.ptr, <usize>name.length) || breaksLine(value.ptr, <usize>value.length)) return true;
    }
    return false;
  }

  /** The wire form; an empty list is an empty block. */
  encode(): Bytes {
    const count = this.names.length;
    if (count == 0) return Bytes.of("");
    let size: usize = 4 + ((<usize>count) << 3);
    for (let i = 0; i < count; i++) size += <usize>(this.names[i].length + this.values[i].length + 2);
    const block = new ArrayBuffer(<i32>size);
    const base = changetype<usize>(block);
    store<u32>(base, count);
    let to = base + 4 + ((<usize>count) << 3);
    for (let i = 0; i < count; i++) {
      const name = this.names[i];
      const value = this.values[i];
      store<u32>(base + 4 + ((<usize>i) << 3), name.length);
      store<u32>(base + 4 + ((<usize>i) << 3), value.length, 4);
      memory.copy(to, name.ptr, <usize>name.length);
      to += <usize>name.length + 1;
      memory.copy(to, value.ptr, <usize>value.length);
      to += <usize>value.length + 1;
    }
    return Bytes.view(block);
  }
}
