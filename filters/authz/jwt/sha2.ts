import { Bytes } from "proxy-wasm-toolkit/sdk";

/**
 * SHA-256, SHA-384 and SHA-512 (FIPS 180-4) and HMAC (RFC 2104): a port of @noble/hashes 2.4 (MIT, (c) Paul Miller), for the
 * HMAC and RSA-PSS algorithms of tokens, which the proxy's `verify_signature` does not have. Words of 32 and of 64 bits
 * take the same steps with other rotations, and the constants of the first are the upper halves of those of the second.
 */
const K: StaticArray<u32> = [
  0x428a2f98, 0xd728ae22, 0x71374491, 0x23ef65cd, 0xb5c0fbcf, 0xec4d3b2f, 0xe9b5dba5, 0x8189dbbc, 0x3956c25b,
  0xf348b538, 0x59f111f1, 0xb605d019, 0x923f82a4, 0xaf194f9b, 0xab1c5ed5, 0xda6d8118, 0xd807aa98, 0xa3030242,
  0x12835b01, 0x45706fbe, 0x243185be, 0x4ee4b28c, 0x550c7dc3, 0xd5ffb4e2, 0x72be5d74, 0xf27b896f, 0x80deb1fe,
  0x3b1696b1, 0x9bdc06a7, 0x25c71235, 0xc19bf174, 0xcf692694, 0xe49b69c1, 0x9ef14ad2, 0xefbe4786, 0x384f25e3,
  0x0fc19dc6, 0x8b8cd5b5, 0x240ca1cc, 0x77ac9c65, 0x2de92c6f, 0x592b0275, 0x4a7484aa, 0x6ea6e483, 0x5cb0a9dc,
  0xbd41fbd4, 0x76f988da, 0x831153b5, 0x983e5152, 0xee66dfab, 0xa831c66d, 0x2db43210, 0xb00327c8, 0x98fb213f,
  0xbf597fc7, 0xbeef0ee4, 0xc6e00bf3, 0x3da88fc2, 0xd5a79147, 0x930aa725, 0x06ca6351, 0xe003826f, 0x14292967,
  0x0a0e6e70, 0x27b70a85, 0x46d22ffc, 0x2e1b2138, 0x5c26c926, 0x4d2c6dfc, 0x5ac42aed, 0x53380d13, 0x9d95b3df,
  0x650a7354, 0x8baf63de, 0x766a0abb, 0x3c77b2a8, 0x81c2c92e, 0x47edaee6, 0x92722c85, 0x1482353b, 0xa2bfe8a1,
  0x4cf10364, 0xa81a664b, 0xbc423001, 0xc24b8b70, 0xd0f89791, 0xc76c51a3, 0x0654be30, 0xd192e819, 0xd6ef5218,
  0xd6990624, 0x5565a910, 0xf40e3585, 0x5771202a, 0x106aa070, 0x32bbd1b8, 0x19a4c116, 0xb8d2d0c8, 0x1e376c08,
  0x5141ab53, 0x2748774c, 0xdf8eeb99, 0x34b0bcb5, 0xe19b48a8, 0x391c0cb3, 0xc5c95a63, 0x4ed8aa4a, 0xe3418acb,
  0x5b9cca4f, 0x7763e373, 0x682e6ff3, 0xd6b2b8a3, 0x748f82ee, 0x5defb2fc, 0x78a5636f, 0x43172f60, 0x84c87814,
  0xa1f0ab72, 0x8cc70208, 0x1a6439ec, 0x90befffa, 0x23631e28, 0xa4506ceb, 0xde82bde9, 0xbef9a3f7, 0xb2c67915,
  0xc67178f2, 0xe372532b, 0xca273ece, 0xea26619c, 0xd186b8c7, 0x21c0c207, 0xeada7dd6, 0xcde0eb1e, 0xf57d4f7f,
  0xee6ed178, 0x06f067aa, 0x72176fba, 0x0a637dc5, 0xa2c898a6, 0x113f9804, 0xbef90dae, 0x1b710b35, 0x131c471b,
  0x28db77f5, 0x23047d84, 0x32caab7b, 0x40c72493, 0x3c9ebe0a, 0x15c9bebc, 0x431d67c4, 0x9c100d4c, 0x4cc5d4be,
  0xcb3e42b6, 0x597f299c, 0xfc657e2a, 0x5fcb6fab, 0x3ad6faec, 0x6c44198c, 0x4a475817,
];

const IV_512: StaticArray<u32> = [
  0x6a09e667, 0xf3bcc908, 0xbb67ae85, 0x84caa73b, 0x3c6ef372, 0xfe94f82b, 0xa54ff53a, 0x5f1d36f1, 0x510e527f,
  0xade682d1, 0x9b05688c, 0x2b3e6c1f, 0x1f83d9ab, 0xfb41bd6b, 0x5be0cd19, 0x137e2179,
];
const IV_384: StaticArray<u32> = [
  0xcbbb9d5d, 0xc1059ed8, 0x629a292a, 0x367cd507, 0x9159015a, 0x3070dd17, 0x152fecd8, 0xf70e5939, 0x67332667,
  0xffc00b31, 0x8eb44a87, 0x68581511, 0xdb0c2e0d, 0x64f98fa7, 0x47b5481d, 0xbefa4fa4,
];

/** The digest of that many bits: 256, 384 or 512. */
export function sha2(bits: i32, message: Bytes): Bytes {
  if (bits == 256) return digest<u32>(IV_512, 32, message);
  return digest<u64>(bits == 384 ? IV_384 : IV_512, bits >> 3, message);
}

export function hmac(bits: i32, secret: Bytes, message: Bytes): Bytes {
  const size = bits == 256 ? 64 : 128;
  const key = secret.length > size ? sha2(bits, secret) : secret;
  const inner = sha2(bits, masked(key, size, 0x36).concat(message));
  return sha2(bits, masked(key, size, 0x5c).concat(inner));
}

function masked(key: Bytes, size: i32, mask: u8): Bytes {
  const block = new ArrayBuffer(size);
  for (let i = 0; i < size; i++) store<u8>(changetype<usize>(block) + <usize>i, key.at(i) ^ mask);
  return Bytes.view(block);
}

/** Same bytes? It takes as long whichever differ. */
export function sameBytes(a: Bytes, b: Bytes): bool {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.at(i) ^ b.at(i);
  return difference == 0;
}

function digest<T>(iv: StaticArray<u32>, size: i32, message: Bytes): Bytes {
  const state = new StaticArray<T>(8);
  for (let i = 0; i < 8; i++) state[i] = constant<T>(iv, i);
  const whole = padded(message, 16 * sizeof<T>());
  const schedule = new StaticArray<T>(roundsOf<T>());
  for (let at = 0; at < whole.length; at += 16 * <i32>sizeof<T>())
    compress<T>(state, schedule, whole.ptr + <usize>at);
  const out = new ArrayBuffer(8 * <i32>sizeof<T>());
  for (let i = 0; i < 8; i++) store<T>(changetype<usize>(out) + <usize>i * sizeof<T>(), bswap<T>(state[i]));
  return Bytes.view(out).slice(0, size);
}

/** One bit, zeros, and the number of bits, to whole blocks. */
function padded(message: Bytes, block: usize): Bytes {
  const size = ((<usize>message.length + 1 + (block >> 3) + block - 1) / block) * block;
  const out = new ArrayBuffer(<i32>size);
  const at = changetype<usize>(out);
  memory.copy(at, message.ptr, <usize>message.length);
  store<u8>(at + <usize>message.length, 0x80);
  store<u64>(at + size - 8, bswap<u64>((<u64>message.length) << 3));
  return Bytes.view(out);
}

function compress<T>(state: StaticArray<T>, w: StaticArray<T>, block: usize): void {
  for (let i = 0; i < 16; i++) w[i] = bswap<T>(load<T>(block + <usize>i * sizeof<T>()));
  for (let i = 16; i < w.length; i++) {
    w[i] =
      small<T>(w[i - 2], 17, 19, 10, 19, 61, 6) +
      w[i - 7] +
      small<T>(w[i - 15], 7, 18, 3, 1, 8, 7) +
      w[i - 16];
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < w.length; i++) {
    const t1 = h + big<T>(e, 6, 11, 25, 14, 18, 41) + ((e & f) ^ (~e & g)) + constant<T>(K, i) + w[i];
    const t2 = big<T>(a, 2, 13, 22, 28, 34, 39) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function roundsOf<T>(): i32 {
  return sizeof<T>() == 4 ? 64 : 80;
}

/** Halves stand side by side, the upper first. */
function constant<T>(halves: StaticArray<u32>, index: i32): T {
  const upper = halves[2 * index];
  if (sizeof<T>() == 4) return <T>upper;
  return <T>(((<u64>upper) << 32) | <u64>halves[2 * index + 1]);
}

/** Three rotations, by these bits in words of 32, by those in words of 64. */
function big<T>(x: T, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): T {
  if (sizeof<T>() == 4) return rotr<T>(x, <T>a) ^ rotr<T>(x, <T>b) ^ rotr<T>(x, <T>c);
  return rotr<T>(x, <T>d) ^ rotr<T>(x, <T>e) ^ rotr<T>(x, <T>f);
}

/** Two rotations and a shift. */
function small<T>(x: T, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): T {
  if (sizeof<T>() == 4) return rotr<T>(x, <T>a) ^ rotr<T>(x, <T>b) ^ (x >> <T>c);
  return rotr<T>(x, <T>d) ^ rotr<T>(x, <T>e) ^ (x >> <T>f);
}
