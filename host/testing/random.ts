/**
 * Random bytes from a seed: the same seed, the same bytes, on every machine. Not for secrets.
 *
 * The generator is mulberry32, whose state is 32 bits: enough to replay a test.
 */
export function seededRandom(seed: number): (target: Uint8Array) => void {
  const next = words(seed);
  return (target) => {
    for (let i = 0; i < target.length; i += 4) {
      const word = next();
      for (let k = 0; k < 4 && i + k < target.length; k++) target[i + k] = word >>> (8 * k);
    }
  };
}

/** Numbers from 0 to below 1 from a seed. */
export function seededChance(seed: number): () => number {
  const next = words(seed);
  return () => next() / 2 ** 32;
}

function words(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
