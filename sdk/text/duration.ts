/** Nanoseconds of a unit, or 0 for an unknown one. */
function nanosOf(unit: string): f64 {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return 1e9;
  if (unit == "m") return 60e9;
  if (unit == "h") return 3600e9;
  return 0;
}

/** Longer durations (about 292 years in nanoseconds) are refused. */
const MOST: f64 = 9.2e18;

/**
 * Reads a duration: a sum of numbers with units, e.g. `1.5s`, `300ms`, `1h2m`. No sign, no spaces.
 * @returns nanoseconds, or -1 when the text is no duration
 */
export function parseDuration(text: string): i64 {
  if (text.length == 0 || text.length > 64) return -1;
  let total: f64 = 0;
  let at = 0;
  while (at < text.length) {
    let number: f64 = 0;
    let scale: f64 = 1;
    let digits = 0;
    let dot = false;
    for (; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c == 46 && !dot) dot = true;
      else if (c >= 48 && c <= 57) {
        digits++;
        number = number * 10 + <f64>(c - 48);
        if (dot) scale *= 10;
      } else break;
    }
    const start = at;
    while (at < text.length && isUnit(text.charCodeAt(at))) at++;
    const nanos = nanosOf(text.substring(start, at));
    if (digits == 0 || nanos == 0) return -1;
    total += nearest<f64>((number * nanos) / scale);
  }
  return total < MOST ? <i64>total : -1;
}

function isUnit(c: i32): bool {
  return c > 57;
}
