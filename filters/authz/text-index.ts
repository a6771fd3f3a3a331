import { Form } from "./text-test";

/** Rules wait under a text and the way it is looked for. */
class Entry {
  readonly ordinals: i32[] = [];

  constructor(
    readonly hash: u32,
    readonly form: Form,
    readonly text: string,
    readonly next: Entry | null,
  ) {}
}

/** Told of the rules that wait under what a text has. */
export abstract class Finder {
  /** `ordinals` are in ascending order. */
  abstract found(ordinals: i32[]): void;
}

const SEED: u32 = 2166136261;
const PRIME: u32 = 16777619;

/**
 * Finds texts that are equal to, begin, or end another in one pass over it: prefixes are hashed as they grow, and only
 * lengths that are there are looked up. Its cost does not depend on how many it holds.
 */
export class TextIndex {
  private buckets: StaticArray<Entry | null> = new StaticArray<Entry | null>(16);
  private count: i32 = 0;
  private readonly prefixes: bool[] = [];
  private readonly suffixes: bool[] = [];
  private exact: bool = false;

  add(form: Form, text: string, ordinal: i32): void {
    const hash = form == Form.Suffix ? hashBackwards(text) : hashOf(text);
    let entry = this.entry(hash, form, text);
    if (entry == null) {
      if (this.count++ == this.buckets.length) this.grow();
      entry = this.put(new Entry(hash, form, text, null));
      if (form == Form.Exact) this.exact = true;
      else note(form == Form.Prefix ? this.prefixes : this.suffixes, text.length);
    }
    entry.ordinals.push(ordinal);
  }

  /** How many rules wait under that text. */
  load(form: Form, text: string): i32 {
    const entry = this.entry(form == Form.Suffix ? hashBackwards(text) : hashOf(text), form, text);
    return entry == null ? 0 : entry.ordinals.length;
  }

  find(text: string, finder: Finder): void {
    const length = text.length;
    const prefixes = this.prefixes;
    let hash = SEED;
    const end = this.exact ? length : min(length, prefixes.length - 1);
    for (let i = 0; i <= end; i++) {
      if (i < prefixes.length && unchecked(prefixes[i])) this.probe(hash, Form.Prefix, text, 0, i, finder);
      if (i < end) hash = (hash ^ <u32>text.charCodeAt(i)) * PRIME;
    }
    if (this.exact) this.probe(hash, Form.Exact, text, 0, length, finder);
    const suffixes = this.suffixes;
    hash = SEED;
    const most = min(length, suffixes.length - 1);
    for (let i = 0; i <= most; i++) {
      if (unchecked(suffixes[i])) this.probe(hash, Form.Suffix, text, length - i, i, finder);
      if (i < most) hash = (hash ^ <u32>text.charCodeAt(length - 1 - i)) * PRIME;
    }
  }

  private probe(hash: u32, form: Form, text: string, at: i32, length: i32, finder: Finder): void {
    let entry = unchecked(this.buckets[this.bucket(hash)]);
    while (entry != null) {
      const fits = entry.hash == hash && entry.form == form && entry.text.length == length;
      if (fits && text.startsWith(entry.text, at)) finder.found(entry.ordinals);
      entry = entry.next;
    }
  }

  private entry(hash: u32, form: Form, text: string): Entry | null {
    let entry = this.buckets[this.bucket(hash)];
    while (entry != null && (entry.hash != hash || entry.form != form || entry.text != text)) {
      entry = entry.next;
    }
    return entry;
  }

  private bucket(hash: u32): i32 {
    return (hash ^ (hash >> 16)) & (this.buckets.length - 1);
  }

  private put(entry: Entry): Entry {
    const at = this.bucket(entry.hash);
    const placed = new Entry(entry.hash, entry.form, entry.text, this.buckets[at]);
    for (let i = 0; i < entry.ordinals.length; i++) placed.ordinals.push(entry.ordinals[i]);
    this.buckets[at] = placed;
    return placed;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new StaticArray<Entry | null>(old.length << 1);
    for (let i = 0; i < old.length; i++) {
      let entry = old[i];
      while (entry != null) {
        this.put(entry);
        entry = entry.next;
      }
    }
  }
}

function note(lengths: bool[], length: i32): void {
  while (lengths.length <= length) lengths.push(false);
  lengths[length] = true;
}

function hashOf(text: string): u32 {
  let hash = SEED;
  for (let i = 0; i < text.length; i++) hash = (hash ^ <u32>text.charCodeAt(i)) * PRIME;
  return hash;
}

function hashBackwards(text: string): u32 {
  let hash = SEED;
  for (let i = text.length - 1; i >= 0; i--) hash = (hash ^ <u32>text.charCodeAt(i)) * PRIME;
  return hash;
}
