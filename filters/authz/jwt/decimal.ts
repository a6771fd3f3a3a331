/** A finite number from 0 up in all its digits: `digits` times ten to the power of `power`. */
class Decimal {
  constructor(
    readonly digits: string,
    readonly power: i32,
  ) {}

  /** To a multiple of that power of ten, the nearest, of two the even one. */
  rounded(power: i32): Decimal {
    const drop = power - this.power;
    if (drop <= 0) return new Decimal(this.digits + "0".repeat(-drop), power);
    const all = this.digits.padStart(drop + 1, "0");
    const kept = all.substring(0, all.length - drop);
    return new Decimal(roundsUp(kept, all.substring(all.length - drop)) ? next(kept) : kept, power);
  }
}

function roundsUp(kept: string, dropped: string): bool {
  const first = dropped.charCodeAt(0);
  if (first != 53 /* 5 */) return first > 53;
  for (let i = 1; i < dropped.length; i++) if (dropped.charCodeAt(i) != 48) return true;
  return (kept.charCodeAt(kept.length - 1) & 1) == 1;
}

function next(digits: string): string {
  let nines = digits.length;
  while (nines > 0 && digits.charCodeAt(nines - 1) == 57) nines--;
  const zeros = "0".repeat(digits.length - nines);
  if (nines == 0) return `1${zeros}`;
  return digits.substring(0, nines - 1) + String.fromCharCode(digits.charCodeAt(nines - 1) + 1) + zeros;
}

const LIMB: u64 = 1000000000;

function expand(value: f64): Decimal {
  if (value == 0) return new Decimal("0", 0);
  const bits = reinterpret<u64>(value);
  const field = <i32>(bits >> 52);
  let whole = (bits & 0xfffffffffffff) | (field > 0 ? 0x10000000000000 : 0);
  const zeros = <i32>ctz<u64>(whole);
  whole >>= zeros;
  const exponent = max(field, 1) - 1075 + zeros;
  // Nine digits a limb, the lowest first. A half is five tenths.
  const limbs: u64[] = [whole % LIMB, (whole / LIMB) % LIMB];
  const factor: u64 = exponent < 0 ? 5 : 2;
  for (let left = abs(exponent); left > 0; left--) multiply(limbs, factor);
  let text = "";
  for (let i = limbs.length - 1; i >= 0; i--) text += limbs[i].toString().padStart(9, "0");
  let from = 0;
  while (text.charCodeAt(from) == 48) from++;
  return new Decimal(text.substring(from), min(exponent, 0));
}

function multiply(limbs: u64[], factor: u64): void {
  let carry: u64 = 0;
  for (let i = 0; i < limbs.length; i++) {
    const product = limbs[i] * factor + carry;
    limbs[i] = product % LIMB;
    carry = product / LIMB;
  }
  if (carry > 0) limbs.push(carry);
}

/** As C's `%f`, for any finite number. */
export function sixPlaces(value: f64): string {
  const digits = expand(abs(value)).rounded(-6).digits.padStart(7, "0");
  const point = digits.length - 6;
  return `${value < 0 ? "-" : ""}${digits.substring(0, point)}.${digits.substring(point)}`;
}

/** As C's `%.*g` with that many digits, for any finite number. */
export function general(value: f64, precision: i32): string {
  const sign = reinterpret<i64>(value) < 0 ? "-" : "";
  if (value == 0) return `${sign}0`;
  const exact = expand(abs(value));
  const short = exact.rounded(exact.digits.length + exact.power - precision);
  let last = short.digits.length;
  while (short.digits.charCodeAt(last - 1) == 48) last--;
  const exponent = short.digits.length + short.power - 1;
  return sign + withPoint(short.digits.substring(0, last), exponent, precision);
}

/** `d.ddd` times ten to the power of `exponent`. */
function withPoint(digits: string, exponent: i32, precision: i32): string {
  if (exponent < -4 || exponent >= precision) {
    const size = abs(exponent);
    const power = `${exponent < 0 ? "-" : "+"}${size < 10 ? "0" : ""}${size}`;
    return `${digits.charAt(0)}${digits.length > 1 ? "." : ""}${digits.substring(1)}e${power}`;
  }
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.padEnd(exponent + 1, "0");
  if (whole.length == exponent + 1) return whole;
  return `${whole.substring(0, exponent + 1)}.${whole.substring(exponent + 1)}`;
}
