import { RuneSet } from "./rune-set";

/** Instructions of a compiled expression. */
export enum Op {
  /** Consume one code point of the class `a`. */
  Class = 0,
  /** Go on at `a` and at `b`. */
  Split = 1,
  /** Go on at `a`. */
  Jump = 2,
  /** The whole expression has matched. */
  Match = 3,
  /** No width: start and end of text, of a line, word boundary or none. */
  Begin = 4,
  End = 5,
  BeginLine = 6,
  EndLine = 7,
  Boundary = 8,
  NotBoundary = 9,
}

/** Longest program; a larger expression is refused, so that matching stays cheap. */
export const MAX_PROGRAM: i32 = 4096;

/** A compiled set of code points: a bit each for ASCII, ranges for the rest. */
export class RuneClass {
  private readonly low: u64;
  private readonly high: u64;
  private readonly ranges: StaticArray<i32>;

  constructor(set: RuneSet) {
    const sorted = set.sorted();
    const wide: i32[] = [];
    let low: u64 = 0;
    let high: u64 = 0;
    for (let i = 0; i < sorted.length; i += 2) {
      const from = sorted[i];
      const to = sorted[i + 1];
      for (let c = from; c <= min(to, 127); c++) {
        if (c < 64) low |= (<u64>1) << (<u64>c);
        else high |= (<u64>1) << (<u64>(c - 64));
      }
      if (to > 127) {
        wide.push(max(from, 128));
        wide.push(to);
      }
    }
    this.low = low;
    this.high = high;
    this.ranges = StaticArray.fromArray<i32>(wide);
  }

  has(rune: i32): bool {
    if (<u32>rune < 64) return ((this.low >> <u64>rune) & 1) != 0;
    if (<u32>rune < 128) return ((this.high >> <u64>(rune - 64)) & 1) != 0;
    const ranges = this.ranges;
    for (let i = 0; i < ranges.length; i += 2) {
      if (rune < unchecked(ranges[i])) return false;
      if (rune <= unchecked(ranges[i + 1])) return true;
    }
    return false;
  }
}

/** Code of an expression; grows up to `MAX_PROGRAM`. */
export class Program {
  readonly ops: Op[] = [];
  readonly a: i32[] = [];
  readonly b: i32[] = [];
  readonly classes: RuneClass[] = [];

  get length(): i32 {
    return this.ops.length;
  }

  get tooLong(): bool {
    return this.ops.length > MAX_PROGRAM;
  }

  /** Appends an instruction and answers where it stands. */
  add(op: Op, a: i32 = 0, b: i32 = 0): i32 {
    this.ops.push(op);
    this.a.push(a);
    this.b.push(b);
    return this.ops.length - 1;
  }
}
