import type { Pair } from "../model";

export interface DiffLine {
  kind: "same" | "added" | "removed";
  pair: Pair;
}

/** Header lines before and after a hook, in the order of the result; what went away stands where it stood. */
export function diffPairs(before: readonly Pair[], after: readonly Pair[]): DiffLine[] {
  const key = ([name, value]: Pair) => `${name}\0${value}`;
  const left = new Map<string, number>();
  for (const pair of after) left.set(key(pair), (left.get(key(pair)) ?? 0) + 1);
  const lines: DiffLine[] = [];
  const kept = new Map<string, number>();
  for (const pair of before) {
    const count = left.get(key(pair)) ?? 0;
    if (count > 0) {
      left.set(key(pair), count - 1);
      kept.set(key(pair), (kept.get(key(pair)) ?? 0) + 1);
      lines.push({ kind: "same", pair });
    } else lines.push({ kind: "removed", pair });
  }
  for (const pair of after) {
    const count = kept.get(key(pair)) ?? 0;
    if (count > 0) kept.set(key(pair), count - 1);
    else lines.push({ kind: "added", pair });
  }
  return lines;
}
