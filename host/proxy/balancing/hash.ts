import xxhash from "xxhash-wasm";

const api = await xxhash();

/** xxHash64 of Latin-1 text, which is what Envoy hashes with. */
export function hash64(text: string, seed = 0n): bigint {
  return api.h64Raw(Buffer.from(text, "latin1"), seed);
}

/** The whole number for a random 64-bit hash, from 0 to below 1. */
export function randomHash(random: () => number): bigint {
  return (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32));
}
