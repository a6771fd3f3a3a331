/**
 * Numbers as JSON text. The standard library's own printing finds the shortest text of every double with 4 KiB of code
 * and tables, which each configured filter would carry; configurations hold numbers that people typed.
 */

/** Beyond this a double no longer holds every whole number. */
const EXACT: f64 = 9007199254740992;

/** A text that reads as the same double; as it stood in the file when it has at most 15 digits. */
export function numberText(value: f64): string {
  if (value - value != 0) return "NaN"; // infinities too: neither is JSON
  if (value < 0) return `-${numberText(-value)}`;
  let power: f64 = 1;
  for (let places = 0; places <= 15; places++, power *= 10) {
    const whole = Math.round(value * power);
    if (whole >= EXACT) break;
    // Both are exact, so the quotient is the double nearest to that decimal fraction.
    if (whole / power == value) return withPoint(digits(<u64>whole), places);
  }
  return scientific(value);
}

function digits(value: u64): string {
  const last = String.fromCharCode(48 + <i32>(value % 10));
  return value > 9 ? digits(value / 10) + last : last;
}

function withPoint(text: string, places: i32): string {
  if (places == 0) return text;
  while (text.length <= places) text = `0${text}`;
  const point = text.length - places;
  return `${text.substring(0, point)}.${text.substring(point)}`;
}

/** Twenty exact digits, which no other double shares. */
function scientific(value: f64): string {
  const bits = reinterpret<u64>(value);
  const exponent = <i32>(bits >> 52);
  let mantissa = bits & 0xfffffffffffff;
  if (exponent > 0) mantissa |= 0x10000000000000;
  const two = max(exponent, 1) - 1075;
  // mantissa * 2^two; a negative power of two is one of five over one of ten.
  const big = [<u32>(mantissa % 1000000000), <u32>(mantissa / 1000000000)];
  for (let i = abs(two); i > 0; i--) multiply(big, two < 0 ? 5 : 2);
  let all = "";
  for (let i = big.length - 1; i >= 0; i--) {
    let limb = digits(big[i]);
    while (all.length > 0 && limb.length < 9) limb = `0${limb}`;
    if (all.length > 0 || big[i] > 0) all += limb;
  }
  const power = all.length - 1 + min(two, 0);
  const shown = `${all.substring(0, 1)}.${all.substring(1, 20)}0e`;
  return power < 0 ? `${shown}-${digits(-power)}` : shown + digits(power);
}

/** In place; nine decimal digits a limb, the lowest first. */
function multiply(big: u32[], factor: u64): void {
  let carry: u64 = 0;
  for (let i = 0; i < big.length; i++) {
    carry += <u64>big[i] * factor;
    big[i] = <u32>(carry % 1000000000);
    carry /= 1000000000;
  }
  if (carry > 0) big.push(<u32>carry);
}
