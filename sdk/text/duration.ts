/** Nanoseconds of a unit, or 0 for an unknown one. */
function unit(name: string): f64 {
  if (name == "ns") return 1;
  if (name == "us") return 1e3;
  if (name == "ms") return 1e6;
  if (name == "s") return 1e9;
  if (name == "m") return 60e9;
  if (name == "h") return 3600e9;
  return 0;
}

/**
 * Reads a duration: a sum of numbers with units, e.g. `1.5s`, `300ms`, `1h2m`.
 * @returns nanoseconds, or -1 when the text is no duration
 */
export function parseDuration(text: string): i64 {
  if (text.length == 0 || text.length > 64) return -1;
  let total: f64 = 0;
  let at = 0;
  while (at < text.length) {
    const from = at;
    let dots = 0;
    let digits = 0;
    for (; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c == 46) dots++;
      else if (c >= 48 && c <= 57) digits++;
      else break;
    }
    if (digits == 0 || dots > 1) return -1;
    const number = parseFloat(text.substring(from, at));
    const start = at;
    while (at < text.length && text.charCodeAt(at) >= 97 && text.charCodeAt(at) <= 122) at++;
    const scale = unit(text.substring(start, at));
    if (scale == 0) return -1;
    total += number * scale;
  }
  return total < 9.2e18 ? <i64>total : -1;
}
