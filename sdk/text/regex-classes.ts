import { RuneSet } from "./rune-set";

/** Characters of `\w`. */
export function isWord(c: i32): bool {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c == 95 || (c >= 97 && c <= 122);
}

function ranges(list: StaticArray<i32>): RuneSet {
  const set = new RuneSet();
  for (let i = 0; i < list.length; i += 2) set.add(list[i], list[i + 1]);
  return set;
}

/** The set of `\d`, `\w`, `\s` by their letter; null for another letter. */
export function perlClass(letter: i32): RuneSet | null {
  if (letter == 100) return ranges([48, 57]);
  if (letter == 119) return ranges([48, 57, 65, 90, 95, 95, 97, 122]);
  if (letter == 115) return ranges([9, 10, 12, 13, 32, 32]);
  return null;
}

/** The set of `[:name:]`, or null. */
export function posixClass(name: string): RuneSet | null {
  if (name == "alnum") return ranges([48, 57, 65, 90, 97, 122]);
  if (name == "alpha") return ranges([65, 90, 97, 122]);
  if (name == "ascii") return ranges([0, 127]);
  if (name == "blank") return ranges([9, 9, 32, 32]);
  if (name == "cntrl") return ranges([0, 31, 127, 127]);
  if (name == "digit") return ranges([48, 57]);
  if (name == "graph") return ranges([33, 126]);
  if (name == "lower") return ranges([97, 122]);
  if (name == "print") return ranges([32, 126]);
  if (name == "punct") return ranges([33, 47, 58, 64, 91, 96, 123, 126]);
  if (name == "space") return ranges([9, 13, 32, 32]);
  if (name == "upper") return ranges([65, 90]);
  if (name == "word") return ranges([48, 57, 65, 90, 95, 95, 97, 122]);
  if (name == "xdigit") return ranges([48, 57, 65, 70, 97, 102]);
  return null;
}
