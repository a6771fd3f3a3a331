/** ASCII case folding, as Envoy compares names and hosts: other letters are left alone, and no Unicode tables are carried. */
export function lowerCase(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (isUpper(text.charCodeAt(i))) return fold(text, i);
  }
  return text;
}

function isUpper(c: i32): bool {
  return c >= 65 && c <= 90;
}

function lower(c: i32): i32 {
  return isUpper(c) ? c + 32 : c;
}

function fold(text: string, from: i32): string {
  const size = (<usize>text.length) << 1;
  const copy = changetype<string>(__new(size, idof<string>()));
  memory.copy(changetype<usize>(copy), changetype<usize>(text), size);
  for (let i = from; i < text.length; i++) {
    store<u16>(changetype<usize>(copy) + ((<usize>i) << 1), lower(text.charCodeAt(i)));
  }
  return copy;
}

/** Whether `part` stands at `at` of `text` but for the case of ASCII letters. Out of range is false. */
export function regionMatches(text: string, at: i32, part: string): bool {
  if (at < 0 || at + part.length > text.length) return false;
  for (let i = 0; i < part.length; i++) {
    if (lower(text.charCodeAt(at + i)) != lower(part.charCodeAt(i))) return false;
  }
  return true;
}

/** Same text but for the case of ASCII letters. */
export function equalsIgnoreCase(a: string, b: string): bool {
  return a.length == b.length && regionMatches(a, 0, b);
}

/** The number a text of one to `most` ASCII digits stands for, else -1. */
export function decimal(text: string, most: i32 = 9): i32 {
  if (text.length == 0 || text.length > most) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 48 || c > 57) return -1;
    value = value * 10 + (c - 48);
  }
  return value;
}

/** Value of a hexadecimal digit, else -1. */
export function hexDigit(c: i32): i32 {
  if (c >= 48 && c <= 57) return c - 48;
  const folded = c | 32;
  return folded >= 97 && folded <= 102 ? folded - 87 : -1;
}
