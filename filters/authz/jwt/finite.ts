/** The least number that is no double any more, 2^1024 - 2^970, in its first digits; it has 309 before the point. */
const LIMIT = "179769313486231580793";
const LIMIT_DIGITS = 309;

/** Whether a number in JSON's form is one a double can have. It is not worked out: a token may be full of long ones. */
export function isFiniteText(text: string): bool {
  let digits = "";
  let places = 0;
  let isFraction = false;
  let i = 0;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c == 46) isFraction = true;
    else if (c >= 48 && c <= 57) {
      const counts = digits != "" || c != 48;
      if (counts && digits.length < LIMIT.length) digits += text.charAt(i);
      if (counts && !isFraction) places++;
      if (!counts && isFraction) places--;
    } else if (c != 45) break;
  }
  if (digits == "") return true;
  places += exponent(text, i + 1);
  return places < LIMIT_DIGITS || (places == LIMIT_DIGITS && digits < LIMIT);
}

function exponent(text: string, from: i32): i32 {
  let value = 0;
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    // More than any text has digits.
    if (c >= 48 && c <= 57) value = min(value * 10 + (c - 48), 100000000);
  }
  return from < text.length && text.charCodeAt(from) == 45 ? -value : value;
}
