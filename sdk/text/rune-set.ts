/** The largest code point. */
export const MAX_RUNE: i32 = 0x10ffff;

/** A set of code points, being built: pairs `from, to` in any order. */
export class RuneSet {
  private ranges: i32[] = [];

  add(from: i32, to: i32): void {
    this.ranges.push(from);
    this.ranges.push(to);
  }

  addAll(other: RuneSet): void {
    for (let i = 0; i < other.ranges.length; i++) this.ranges.push(other.ranges[i]);
  }

  get isAscii(): bool {
    for (let i = 1; i < this.ranges.length; i += 2) if (this.ranges[i] > 127) return false;
    return true;
  }

  /** Adds the other case of each ASCII letter, and the two other letters that fold to one: K (kelvin) and long s. */
  foldCase(): void {
    const count = this.ranges.length;
    for (let i = 0; i < count; i += 2) {
      const from = this.ranges[i];
      const to = this.ranges[i + 1];
      if (max(from, 97) <= min(to, 122)) this.add(max(from, 97) - 32, min(to, 122) - 32);
      if (max(from, 65) <= min(to, 90)) this.add(max(from, 65) + 32, min(to, 90) + 32);
      if (holds(from, to, 75)) this.add(0x212a, 0x212a);
      if (holds(from, to, 83)) this.add(0x17f, 0x17f);
    }
  }

  /** The set of all other code points. */
  negated(): RuneSet {
    const rest = new RuneSet();
    const ranges = this.sorted();
    let next = 0;
    for (let i = 0; i < ranges.length; i += 2) {
      if (ranges[i] > next) rest.add(next, ranges[i] - 1);
      next = ranges[i + 1] + 1;
    }
    if (next <= MAX_RUNE) rest.add(next, MAX_RUNE);
    return rest;
  }

  /** Ranges in order, neither overlapping nor touching. */
  sorted(): i32[] {
    const starts: i32[] = [];
    for (let i = 0; i < this.ranges.length; i += 2) starts.push(i);
    const ranges = this.ranges;
    sortBy(starts, ranges);
    const merged: i32[] = [];
    for (let i = 0; i < starts.length; i++) {
      const from = ranges[starts[i]];
      const to = ranges[starts[i] + 1];
      const last = merged.length - 1;
      if (last > 0 && from <= merged[last] + 1) merged[last] = max(merged[last], to);
      else {
        merged.push(from);
        merged.push(to);
      }
    }
    return merged;
  }
}

/** Is the upper-case letter `letter`, or its lower case, in the range? */
function holds(from: i32, to: i32, letter: i32): bool {
  return (from <= letter && letter <= to) || (from <= letter + 32 && letter + 32 <= to);
}

/** Sorts indices by the values they point at; classes are short, so by insertion. */
function sortBy(indices: i32[], values: i32[]): void {
  for (let i = 1; i < indices.length; i++) {
    const moving = indices[i];
    let at = i;
    for (; at > 0 && values[indices[at - 1]] > values[moving]; at--) indices[at] = indices[at - 1];
    indices[at] = moving;
  }
}
