/**
 * Decimal numbers, correctly rounded. (AssemblyScript's parseFloat is off by a factor of 100 for
 * 9.007199254741002e+39.) Short ones take one multiplication or division of doubles that is exact by itself; the others
 * are a quotient of two large integers, worked out bit by bit in static memory.
 */

/** Digits that decide how any number rounds are fewer; what comes after them only tells above from equal. */
const MAX_DIGITS = 800;

/** A large integer: 32 bits a limb, lowest first. Enough for MAX_DIGITS digits of the smallest double. */
const LIMBS = 128;
const TOP: usize = memory.data(512, 8);
const BOTTOM: usize = memory.data(512, 8);

/** Limbs in use, of both. */
let used = 0;

/** Reads a number in JSON's form (`-12.5e+3`); what is larger than the largest double is infinite. */
export function readNumber(text: string): f64 {
  let whole: u64 = 0;
  let digits = 0;
  let power = 0;
  let dot = false;
  let i = 0;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c == 46) dot = true;
    else if (c >= 48 && c <= 57) {
      if (c != 48 || digits > 0) digits++;
      if (digits <= 15) whole = whole * 10 + (c - 48);
      if (dot) power--;
    } else if (c != 45) break;
  }
  power += exponent(text, i + 1);
  let number: f64 = <f64>whole;
  // Both are doubles without error, so one rounding is all there is.
  if (digits > 15 || power < -22 || power > 22) number = digits == 0 ? 0 : exact(text, digits, power);
  else if (power < 0) number /= tenTo(-power);
  else number *= tenTo(power);
  return text.charCodeAt(0) == 45 ? -number : number;
}

/** The number from `at` on, as far as it matters. */
function exponent(text: string, at: i32): i32 {
  let value = 0;
  for (let i = at; i < text.length; i++) {
    const c = text.charCodeAt(i);
    // More than the longest text has digits, so that no exponent is cut that digits make up for.
    if (c >= 48 && c <= 57) value = min(value * 10 + (c - 48), 100000000);
  }
  return at < text.length && text.charCodeAt(at) == 45 ? -value : value;
}

function tenTo(power: i32): f64 {
  let result: f64 = 1;
  for (let i = 0; i < power; i++) result *= 10;
  return result;
}

/** The digits of `text`, the first of them not 0, as an integer of `digits` digits times ten to `power`. */
function exact(text: string, digits: i32, power: i32): f64 {
  if (digits + power > 310) return Infinity;
  if (digits + power < -330) return 0;
  memory.fill(TOP, 0, LIMBS * 4);
  memory.fill(BOTTOM, 0, LIMBS * 4);
  used = 1;
  const read = readDigits(text, digits);
  power += digits - read;
  store<u32>(BOTTOM, 1);
  for (let i = power; i > 0; i--) multiply(TOP, 10, 0);
  for (let i = power; i < 0; i++) multiply(BOTTOM, 10, 0);
  // The quotient times 2^shift is an integer of 54 or 55 bits; below the least normal double of fewer, its last bit 2^-1075.
  const shift = min(54 - (bitLength(TOP) - bitLength(BOTTOM)), 1075);
  shiftLeft(TOP, shift - 55);
  shiftLeft(BOTTOM, 55 - shift);
  let quotient: u64 = 0;
  for (let bit = 55; bit >= 0; bit--) {
    quotient <<= 1;
    if (subtractIfLess()) quotient |= 1;
    multiply(TOP, 2, 0);
  }
  return round(quotient, bitLength(TOP) > 0, shift);
}

/** Reads the digits into the dividend; returns how many. */
function readDigits(text: string, digits: i32): i32 {
  const most = min(digits, MAX_DIGITS);
  let read = 0;
  let rest = false;
  for (let i = 0; ; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 101;
    if ((c | 32) == 101) break;
    if (c < 48 || (c == 48 && read == 0)) continue;
    if (read < most) {
      multiply(TOP, 10, c - 48);
      read++;
    } else if (c != 48) rest = true;
  }
  if (!rest) return read;
  // Some digit further on is not 0: any will do.
  multiply(TOP, 10, 1);
  return read + 1;
}

/** `quotient` / 2^shift to the nearest double, half to even; `more` says that the quotient has bits beyond. */
function round(quotient: u64, more: bool, shift: i32): f64 {
  const drop = max(64 - <i32>clz(quotient) - 53, 1);
  const half = (<u64>1) << (drop - 1);
  const low = quotient & ((half << 1) - 1);
  let kept = quotient >> drop;
  if (low > half || (low == half && (more || (kept & 1) != 0))) kept++;
  const power = drop - shift;
  const unit = power < -1022 ? (<u64>1) << (power + 1074) : (<u64>(power + 1023)) << 52;
  return <f64>kept * reinterpret<f64>(unit);
}

function multiply(number: usize, factor: u32, add: u32): void {
  let carry: u64 = add;
  for (let i = 0; i < used; i++) {
    const at = number + ((<usize>i) << 2);
    carry += <u64>load<u32>(at) * factor;
    store<u32>(at, <u32>carry);
    carry >>= 32;
  }
  if (carry == 0) return;
  store<u32>(number + ((<usize>used) << 2), <u32>carry);
  used++;
}

/** Times 2^times; nothing when that is negative. */
function shiftLeft(number: usize, times: i32): void {
  for (let left = times; left > 0; left -= 16) multiply(number, (<u32>1) << min(left, 16), 0);
}

function bitLength(number: usize): i32 {
  for (let i = used - 1; i >= 0; i--) {
    const limb = load<u32>(number + ((<usize>i) << 2));
    if (limb != 0) return (i << 5) + 32 - <i32>clz(limb);
  }
  return 0;
}

/** Takes the divisor from the dividend when it goes into it. */
function subtractIfLess(): bool {
  for (let i = used - 1; i >= 0; i--) {
    const at = (<usize>i) << 2;
    const top = load<u32>(TOP + at);
    const bottom = load<u32>(BOTTOM + at);
    if (top < bottom) return false;
    if (top > bottom) break;
  }
  let borrow: i64 = 0;
  for (let i = 0; i < used; i++) {
    const at = (<usize>i) << 2;
    borrow += <i64>load<u32>(TOP + at) - <i64>load<u32>(BOTTOM + at);
    store<u32>(TOP + at, <u32>borrow);
    borrow >>= 32;
  }
  return true;
}
