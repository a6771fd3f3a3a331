import { random_get } from "proxy-wasm-toolkit/sdk/wasi_snapshot_preview1";

/** Chances are rolled against this many, as Envoy does for Istio's `percentage`. */
export const DENOMINATOR: u32 = 1000000;

/** Random bytes, fetched many at a time. */
const POOL_SIZE: usize = 512;
const POOL: usize = memory.data(512, 8);
let left: usize = 0;

/** One draw of its own: true in `chance` of a million cases. Never and always need no draw. */
export function roll(chance: u32): bool {
  if (chance == 0) return false;
  if (chance >= DENOMINATOR) return true;
  if (left == 0) {
    random_get(POOL, <i32>POOL_SIZE);
    left = POOL_SIZE;
  }
  left -= 8;
  return load<u64>(POOL + left) % DENOMINATOR < chance;
}
