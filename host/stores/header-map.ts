import { type HeaderMapKind, INLINE_BY_KIND } from "./inline-headers";

/**
 * An ordered list of header lines with Envoy's rules. Names are lower-case; names and values are Latin-1 text,
 * one character a byte, so nothing is ever decoded. Pseudo-headers come first, the rest in order of arrival.
 */
export class HeaderMap {
  private names: string[] = [];
  private values: string[] = [];
  private pseudo = 0;

  private readonly inline: ReadonlySet<string>;

  constructor(readonly kind: HeaderMapKind) {
    this.inline = INLINE_BY_KIND[kind];
  }

  static of(kind: HeaderMapKind, pairs: Iterable<readonly [string, string]>): HeaderMap {
    const map = new HeaderMap(kind);
    for (const [name, value] of pairs) map.append(name, value);
    return map;
  }

  /** Number of header lines. */
  get size(): number {
    return this.names.length;
  }

  /** Bytes of all names and values, without separators. */
  get byteSize(): number {
    let bytes = 0;
    for (let i = 0; i < this.names.length; i++) bytes += this.names[i]!.length + this.values[i]!.length;
    return bytes;
  }

  nameAt(index: number): string {
    return this.names[index]!;
  }

  valueAt(index: number): string {
    return this.values[index]!;
  }

  /** First value of a lower-case name. */
  get(name: string): string | undefined {
    const at = this.names.indexOf(name);
    return at < 0 ? undefined : this.values[at];
  }

  getAll(name: string): string[] {
    return this.values.filter((_, i) => this.names[i] === name);
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** Adds a line after the others, whatever is there already. */
  append(name: string, value: string): void {
    const pseudo = name.charCodeAt(0) === 58;
    if (pseudo && this.pseudo < this.names.length) {
      this.names.splice(this.pseudo, 0, name);
      this.values.splice(this.pseudo, 0, value);
    } else {
      this.names.push(name);
      this.values.push(value);
    }
    if (pseudo) this.pseudo++;
  }

  /** Adds as Envoy does for filters: inline names join the value already there with a comma. */
  add(name: string, value: string): void {
    if (this.inline.has(name)) {
      const at = this.names.indexOf(name);
      if (at >= 0) {
        if (value !== "") this.values[at] = this.values[at] === "" ? value : `${this.values[at]},${value}`;
        return;
      }
    }
    this.append(name, value);
  }

  /** Removes every line of the name, then adds one behind the others: what filters and configurations do. */
  replace(name: string, value: string): void {
    if (this.names.includes(name)) this.remove(name);
    this.append(name, value);
  }

  /** As the proxy's own code does, which knows the inline names. Removes every line of the name, then leaves one: in place of the first for inline names, at the end else. */
  set(name: string, value: string): void {
    const at = this.names.indexOf(name);
    if (at >= 0 && this.inline.has(name)) {
      this.values[at] = value;
      return;
    }
    if (at >= 0) this.remove(name);
    this.append(name, value);
  }

  /** Removes every line of the name; returns how many there were. */
  remove(name: string): number {
    let removed = 0;
    for (let i = this.names.indexOf(name); i >= 0; i = this.names.indexOf(name, i)) {
      this.names.splice(i, 1);
      this.values.splice(i, 1);
      if (i < this.pseudo) this.pseudo--;
      removed++;
    }
    return removed;
  }

  clear(): void {
    this.names = [];
    this.values = [];
    this.pseudo = 0;
  }

  clone(): HeaderMap {
    const copy = new HeaderMap(this.kind);
    copy.names = this.names.slice();
    copy.values = this.values.slice();
    copy.pseudo = this.pseudo;
    return copy;
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let i = 0; i < this.names.length; i++) yield [this.names[i]!, this.values[i]!];
  }
}
