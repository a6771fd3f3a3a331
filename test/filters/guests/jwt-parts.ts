/** What the authz filter does to tokens, in plain exports for @assemblyscript/loader. Bytes are texts of one character a byte. */
import { Bytes } from "proxy-wasm-toolkit/sdk";
import { decodeBase64UrlLenient } from "proxy-wasm-toolkit/sdk/text/base64";
import { general, sixPlaces } from "../../../filters/authz/jwt/decimal";
import { ecPublicKey, ecSignature, P256, P384, P521, rsaPublicKey } from "../../../filters/authz/jwt/der";
import { isFiniteText } from "../../../filters/authz/jwt/finite";
import { Modulus } from "../../../filters/authz/jwt/modulus";
import { verifyPss } from "../../../filters/authz/jwt/rsa-pss";
import { hmac, sameBytes, sha2 } from "../../../filters/authz/jwt/sha2";

const NONE = "<none>";

function bytesOf(text: string): Bytes {
  const block = new ArrayBuffer(text.length);
  for (let i = 0; i < text.length; i++) store<u8>(changetype<usize>(block) + <usize>i, text.charCodeAt(i));
  return Bytes.view(block);
}

function latin1(bytes: Bytes | null): string {
  if (bytes == null) return NONE;
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes.at(i));
  return text;
}

export function digest(bits: i32, message: string): string {
  return latin1(sha2(bits, bytesOf(message)));
}

export function mac(bits: i32, secret: string, message: string): string {
  return latin1(hmac(bits, bytesOf(secret), bytesOf(message)));
}

export function same(a: string, b: string): bool {
  return sameBytes(bytesOf(a), bytesOf(b));
}

export function power(modulus: string, exponent: i32, base: string): string {
  return latin1(new Modulus(bytesOf(modulus), exponent).power(bytesOf(base)));
}

export function pss(bits: i32, modulus: string, exponent: i32, signature: string, message: string): bool {
  return verifyPss(bits, new Modulus(bytesOf(modulus), exponent), bytesOf(signature), bytesOf(message));
}

export function rsaKey(modulus: string, exponent: string): string {
  return latin1(rsaPublicKey(bytesOf(modulus), bytesOf(exponent)));
}

export function curveKey(bits: i32, x: string, y: string): string {
  const curve = bits == 256 ? P256 : bits == 384 ? P384 : P521;
  return latin1(ecPublicKey(curve, bytesOf(x), bytesOf(y)));
}

export function curveSignature(sides: string): string {
  return latin1(ecSignature(bytesOf(sides)));
}

export function part(text: string): string {
  return latin1(decodeBase64UrlLenient(text));
}

export function places(value: f64): string {
  return sixPlaces(value);
}

export function digits(value: f64, precision: i32): string {
  return general(value, precision);
}

export function finite(text: string): bool {
  return isFiniteText(text);
}
