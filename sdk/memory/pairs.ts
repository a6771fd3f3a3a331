import { Bytes } from "./bytes";
import { breaksLine } from "./encode";
import { HeaderName } from "./header-name";

/**
 * A list of name/value pairs in the order it was built or received; names may repeat. On the wire: a count, the
 * sizes of all names and values, then each name and value with a closing NUL.
 */
export class Pairs {
  private keys: Bytes[] = [];
  private contents: Bytes[] = [];

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
    return this.keys.length;
  }

  /** Name of the pair at `index`; the index must be in range. */
  name(index: i32): string {
    return this.keys[index].toString();
  }

  /** Value of the pair at `index`; the index must be in range. */
  value(index: i32): string {
    return this.contents[index].toString();
  }

  /** The same as bytes: a view, not copied. */
  nameBytes(index: i32): Bytes {
    return this.keys[index];
  }

  /** The same as bytes: a view, not copied. */
  valueBytes(index: i32): Bytes {
    return this.contents[index];
  }

  /** First value of that name (exact bytes), or null. */
  get(name: string): string | null {
    const wanted = Bytes.of(name);
    for (let i = 0; i < this.keys.length; i++) {
      if (this.keys[i].equals(wanted)) return this.contents[i].toString();
    }
    return null;
  }

  /**
   * Index of the first pair of that name at or after `from`, or -1. Nothing is allocated:
   * `for (let i = pairs.indexOf(X); i >= 0; i = pairs.indexOf(X, i + 1))` visits every value of a header.
   */
  indexOf(name: HeaderName, from: i32 = 0): i32 {
    for (let i = max(from, 0); i < this.keys.length; i++) {
      if (this.keys[i].equals(name.bytes)) return i;
    }
    return -1;
  }

  /** Every value of that name in order. */
  values(name: HeaderName): string[] {
    const found: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) found.push(this.value(i));
    return found;
  }

  /** Every value of that name as bytes: views, not copied. */
  valuesBytes(name: HeaderName): Bytes[] {
    const found: Bytes[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) found.push(this.contents[i]);
    return found;
  }

  /** Appends a pair and returns the list. */
  add(name: string, value: string): Pairs {
    return this.addBytes(Bytes.of(name), Bytes.of(value));
  }

  /** The same with any bytes, which are not copied. */
  addBytes(name: Bytes, value: Bytes): Pairs {
    this.keys.push(name);
    this.contents.push(value);
    return this;
  }

  /** Whether a name or value holds NUL, CR or LF. */
  get breaksLine(): bool {
    for (let i = 0; i < this.keys.length; i++) {
      const name = this.keys[i];
      const value = this.contents[i];
      if (breaksLine(name.ptr, <usize>name.length) || breaksLine(value.ptr, <usize>value.length)) return true;
    }
    return false;
  }

  /** The wire form; an empty list is an empty block. */
  encode(): Bytes {
    const count = this.keys.length;
    if (count == 0) return Bytes.of("");
    let size: usize = 4 + ((<usize>count) << 3);
    for (let i = 0; i < count; i++) size += <usize>(this.keys[i].length + this.contents[i].length + 2);
    const block = new ArrayBuffer(<i32>size);
    const base = changetype<usize>(block);
    store<u32>(base, count);
    let to = base + 4 + ((<usize>count) << 3);
    for (let i = 0; i < count; i++) {
      const name = this.keys[i];
      const value = this.contents[i];
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
