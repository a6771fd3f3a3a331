import { Bytes } from "proxy-wasm-toolkit/sdk";
import { trimmed } from "./der";

/**
 * An RSA modulus and the public exponent 3 or 65537: what is needed to raise a number to that power. Montgomery's method, as in
 * the Handbook of Applied Cryptography (14.36 and 14.94), on limbs of 32 bits, the lowest first. Only for public keys: it does
 * not hide the numbers.
 */
export class Modulus {
  readonly bits: i32;
  private readonly limbs: StaticArray<u32>;
  /** -1 / modulus, modulo 2^32. */
  private readonly inverse: u32;
  /** The square of 2^(32 * limbs), modulo the modulus; made when first needed. */
  private square: StaticArray<u32> | null = null;

  /** `modulus` is odd, which makes it invertible. */
  constructor(
    modulus: Bytes,
    private readonly exponent: u32,
  ) {
    const number = trimmed(modulus);
    this.bits = number.length * 8 - (clz<u32>(<u32>number.at(0)) - 24);
    this.limbs = limbsOf(number, (number.length + 3) >> 2);
    let inverse: u32 = 1;
    for (let i = 0; i < 5; i++) inverse *= 2 - this.limbs[0] * inverse;
    this.inverse = 0 - inverse;
  }

  /** Bytes of the modulus, and so of signatures. */
  get length(): i32 {
    return (this.bits + 7) >> 3;
  }

  /** The number to the power of the exponent, as many bytes as the modulus has; null for a number that is not below it. */
  power(base: Bytes): Bytes | null {
    const size = this.limbs.length;
    const number = trimmed(base);
    if (number.length > this.length) return null;
    const limbs = limbsOf(number, size);
    if (!isBelow(limbs, this.limbs)) return null;
    const montgomery = this.product(limbs, this.squared());
    let power = montgomery;
    for (let bit = 30 - clz<u32>(this.exponent); bit < 31 && bit >= 0; bit--) {
      power = this.product(power, power);
      if (((this.exponent >> bit) & 1) == 1) power = this.product(power, montgomery);
    }
    const unit = new StaticArray<u32>(size);
    unit[0] = 1;
    return bytesOf(this.product(power, unit), this.length);
  }

  private squared(): StaticArray<u32> {
    const known = this.square;
    if (known != null) return known;
    // 1, doubled twice for every bit of the limbs.
    const square = new StaticArray<u32>(this.limbs.length);
    square[0] = 1;
    for (let i = 0; i < 64 * this.limbs.length; i++) {
      let carry: u32 = 0;
      for (let k = 0; k < square.length; k++) {
        const limb = square[k];
        square[k] = (limb << 1) | carry;
        carry = limb >> 31;
      }
      if (carry != 0 || !isBelow(square, this.limbs)) subtract(square, this.limbs);
    }
    this.square = square;
    return square;
  }

  /** a * b / 2^(32 * limbs), modulo the modulus. */
  private product(a: StaticArray<u32>, b: StaticArray<u32>): StaticArray<u32> {
    const n = this.limbs;
    const size = n.length;
    const sum = new StaticArray<u32>(size);
    const bAt = changetype<usize>(b);
    const nAt = changetype<usize>(n);
    const sumAt = changetype<usize>(sum);
    const end = (<usize>size) << 2;
    let top: u32 = 0;
    // Through addresses: bounds are checked nowhere here, as all four have `size` limbs.
    for (let i = 0; i < size; i++) {
      const factor = <u64>unchecked(a[i]);
      let carry = factor * load<u32>(bAt) + load<u32>(sumAt);
      const quotient = <u64>(<u32>carry * this.inverse);
      let reduction = quotient * load<u32>(nAt) + <u32>carry;
      for (let at: usize = 4; at < end; at += 4) {
        carry = factor * load<u32>(bAt + at) + load<u32>(sumAt + at) + (carry >> 32);
        reduction = quotient * load<u32>(nAt + at) + <u32>carry + (reduction >> 32);
        store<u32>(sumAt + at - 4, <u32>reduction);
      }
      const last = (carry >> 32) + (reduction >> 32) + top;
      store<u32>(sumAt + end - 4, <u32>last);
      top = <u32>(last >> 32);
    }
    if (top != 0 || !isBelow(sum, n)) subtract(sum, n);
    return sum;
  }
}

function limbsOf(number: Bytes, size: i32): StaticArray<u32> {
  const limbs = new StaticArray<u32>(size);
  for (let i = 0; i < number.length; i++) {
    const byte = <u32>number.at(number.length - 1 - i);
    limbs[i >> 2] |= byte << (<u32>((i & 3) << 3));
  }
  return limbs;
}

function bytesOf(limbs: StaticArray<u32>, length: i32): Bytes {
  const out = new ArrayBuffer(length);
  for (let i = 0; i < length; i++) {
    store<u8>(changetype<usize>(out) + <usize>(length - 1 - i), limbs[i >> 2] >> <u32>((i & 3) << 3));
  }
  return Bytes.view(out);
}

function isBelow(a: StaticArray<u32>, b: StaticArray<u32>): bool {
  for (let i = a.length - 1; i >= 0; i--) if (a[i] != b[i]) return a[i] < b[i];
  return false;
}

function subtract(from: StaticArray<u32>, number: StaticArray<u32>): void {
  let borrow: u64 = 0;
  for (let i = 0; i < from.length; i++) {
    const difference = <u64>from[i] - number[i] - borrow;
    from[i] = <u32>difference;
    borrow = difference >> 63;
  }
}
