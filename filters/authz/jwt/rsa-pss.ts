import { Bytes } from "proxy-wasm-toolkit/sdk";
import { Modulus } from "./modulus";
import { sameBytes, sha2 } from "./sha2";

const TRAILER: u8 = 0xbc;

/**
 * RSASSA-PSS verification (RFC 8017, 8.1.2 and 9.1.2) with MGF1 of the same hash and salt of its length, as RFC 7518 (3.5) has
 * it. The proxy's `verify_signature` knows PKCS #1 v1.5 only. Everything here is public, so time tells nothing.
 */
export function verifyPss(bits: i32, modulus: Modulus, signature: Bytes, message: Bytes): bool {
  if (signature.length != modulus.length) return false;
  const power = modulus.power(signature);
  if (power == null) return false;
  const digest = bits >> 3;
  const top = (modulus.bits - 1) & 7;
  // One bit less than the modulus: with a whole number of bytes the first of the power is none of them.
  const encoded = top == 0 ? power.slice(1) : power;
  const size = encoded.length;
  if ((top == 0 && power.at(0) != 0) || size < 2 * digest + 2 || encoded.at(size - 1) != TRAILER)
    return false;
  const masked = encoded.slice(0, size - digest - 1);
  const hash = encoded.slice(size - digest - 1, size - 1);
  const unused = top == 0 ? 0 : (0xff << top) & 0xff;
  if ((<i32>masked.at(0) & unused) != 0) return false;
  const block = unmasked(bits, masked, hash, <u8>~unused);
  const padding = block.length - digest - 1;
  for (let i = 0; i < padding; i++) if (block.at(i) != 0) return false;
  if (block.at(padding) != 1) return false;
  const zeros = Bytes.view(new ArrayBuffer(8));
  return sameBytes(sha2(bits, zeros.concat(sha2(bits, message)).concat(block.slice(padding + 1))), hash);
}

/** Takes the mask MGF1 (RFC 8017, B.2.1) makes of the hash off; of the first byte only these bits count. */
function unmasked(bits: i32, masked: Bytes, hash: Bytes, first: u8): Bytes {
  const block = masked.toArrayBuffer();
  const at = changetype<usize>(block);
  const counter = new ArrayBuffer(4);
  for (let done = 0; done < masked.length; ) {
    const mask = sha2(bits, hash.concat(Bytes.view(counter)));
    for (let i = 0; i < mask.length && done < masked.length; i++, done++) {
      store<u8>(at + <usize>done, masked.at(done) ^ mask.at(i));
    }
    store<u8>(changetype<usize>(counter), load<u8>(changetype<usize>(counter), 3) + 1, 3);
  }
  store<u8>(at, load<u8>(at) & first);
  return Bytes.view(block);
}
