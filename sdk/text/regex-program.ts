/** Instructions of a compiled expression. */
export enum Op {
  /** Consume one character inside (or, negated, outside) a class. */
  Class = 0,
  /** Go on at `a` and at `b`. */
  Split = 1,
  /** Go on at `a`. */
  Jump = 2,
  /** The whole expression has matched. */
  Match = 3,
  /** Zero-width: start of text, end of text, word boundary, no word boundary. */
  Begin = 4,
  End = 5,
  Boundary = 6,
  NotBoundary = 7,
}

/** A set of characters: ranges `[from, to]` one after the other. */
export class CharClass {
  readonly ranges: i32[] = [];
  negated: bool = false;

  add(from: i32, to: i32): void {
    this.ranges.push(from);
    this.ranges.push(to);
  }

  /** Also the other case of every ASCII letter. */
  foldCase(): void {
    const count = this.ranges.length;
    for (let i = 0; i < count; i += 2) {
      const from = this.ranges[i];
      const to = this.ranges[i + 1];
      const lowFrom = max(from, 97);
      const lowTo = min(to, 122);
      if (lowFrom <= lowTo) this.add(lowFrom - 32, lowTo - 32);
      const upFrom = max(from, 65);
      const upTo = min(to, 90);
      if (upFrom <= upTo) this.add(upFrom + 32, upTo + 32);
    }
  }

  has(c: i32): bool {
    for (let i = 0; i < this.ranges.length; i += 2) {
      if (c >= this.ranges[i] && c <= this.ranges[i + 1]) return !this.negated;
    }
    return this.negated;
  }
}

/** Characters of `\w`. */
export function isWord(c: i32): bool {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c == 95 || (c >= 97 && c <= 122);
}

export class Instruction {
  a: i32 = 0;
  b: i32 = 0;
  set: CharClass | null = null;
  constructor(readonly op: Op) {}
}
