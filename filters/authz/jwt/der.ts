import { Bytes } from "proxy-wasm-toolkit/sdk";
import { hexDigit } from "proxy-wasm-toolkit/sdk/text/ascii";

/**
 * The few forms of DER that the proxy's `verify_signature` wants: public keys (SubjectPublicKeyInfo, RFC 3279 and 5480) and
 * ECDSA signatures.
 */
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

const RSA_ENCRYPTION = "300d06092a864886f70d0101010500";

/** A curve: bytes of a coordinate, and the AlgorithmIdentifier of its keys. */
export class Curve {
  constructor(
    readonly size: i32,
    readonly algorithm: string,
  ) {}
}

export const P256 = new Curve(32, "301306072a8648ce3d020106082a8648ce3d030107");
export const P384 = new Curve(48, "301006072a8648ce3d020106052b81040022");
export const P521 = new Curve(66, "301006072a8648ce3d020106052b81040023");

/** Modulus and exponent as unsigned big-endian numbers. */
export function rsaPublicKey(modulus: Bytes, exponent: Bytes): Bytes {
  const key = element(SEQUENCE, integer(modulus).concat(integer(exponent)));
  return publicKey(RSA_ENCRYPTION, key);
}

/** A point's coordinates; null when one is too big for the curve. */
export function ecPublicKey(curve: Curve, x: Bytes, y: Bytes): Bytes | null {
  const left = padded(x, curve.size);
  const right = padded(y, curve.size);
  if (left == null || right == null) return null;
  return publicKey(curve.algorithm, fromHex("04").concat(left).concat(right));
}

/** An ECDSA signature of JWS, `r` and `s` side by side. */
export function ecSignature(sides: Bytes): Bytes {
  const half = sides.length / 2;
  return element(SEQUENCE, integer(sides.slice(0, half)).concat(integer(sides.slice(half, 2 * half))));
}

function publicKey(algorithm: string, key: Bytes): Bytes {
  return element(SEQUENCE, fromHex(algorithm).concat(element(BIT_STRING, fromHex("00").concat(key))));
}

/** The number without leading zeros. */
export function trimmed(number: Bytes): Bytes {
  let from = 0;
  while (from < number.length && number.at(from) == 0) from++;
  return number.slice(from);
}

function padded(number: Bytes, size: i32): Bytes | null {
  const digits = trimmed(number);
  if (digits.length > size) return null;
  return Bytes.view(new ArrayBuffer(size - digits.length)).concat(digits);
}

function integer(number: Bytes): Bytes {
  const digits = trimmed(number);
  // The first bit is the sign, and zero has a digit too.
  const positive = digits.length > 0 && digits.at(0) < 0x80;
  return element(INTEGER, positive ? digits : fromHex("00").concat(digits));
}

function element(tag: u8, content: Bytes): Bytes {
  const size = content.length;
  const sizes = size < 0x80 ? 1 : size < 0x100 ? 2 : 3;
  const head = new ArrayBuffer(1 + sizes);
  const at = changetype<usize>(head);
  store<u8>(at, tag);
  if (sizes == 1) store<u8>(at, size, 1);
  else store<u8>(at, 0x7f + sizes, 1);
  if (sizes == 2) store<u8>(at, size, 2);
  if (sizes == 3) store<u16>(at, bswap<u16>(<u16>size), 2);
  return Bytes.view(head).concat(content);
}

function fromHex(digits: string): Bytes {
  const bytes = new ArrayBuffer(digits.length >> 1);
  for (let i = 0; i < bytes.byteLength; i++) {
    const byte = (hexDigit(digits.charCodeAt(2 * i)) << 4) | hexDigit(digits.charCodeAt(2 * i + 1));
    store<u8>(changetype<usize>(bytes) + <usize>i, byte);
  }
  return Bytes.view(bytes);
}
