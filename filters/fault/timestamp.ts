/** The number that `size` digits at `start` make, or -1. */
function digits(text: string, start: i32, size: i32): i32 {
  if (start + size > text.length) return -1;
  let value = 0;
  for (let i = start; i < start + size; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (<u32>digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Days from 1970-01-01 in the Gregorian calendar. */
function daysOf(year: i32, month: i32, day: i32): i64 {
  // The year begins in March: then a leap day is its last.
  const y = month > 2 ? year : year - 1;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return <i64>y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - 719468;
}

/**
 * Reads a time in UTC, e.g. `2026-11-25T10:00:00Z`.
 * @returns nanoseconds from 1970, or -1 when the text is none
 */
export function parseTimestamp(text: string): i64 {
  if (text.length != 20) return -1;
  for (let i = 0; i < 6; i++) if (text.charCodeAt(4 + 3 * i) != "--T::Z".charCodeAt(i)) return -1;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31) return -1;
  if (<u32>hour > 23 || <u32>minute > 59 || <u32>second > 59) return -1;
  return (((daysOf(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000000000;
}
