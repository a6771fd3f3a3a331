import { DENOMINATOR, roll } from "./roll";

/** Where a plugin's rolls come from: the proxy's random numbers, or a sequence that a seed fixes. */
export class Dice {
  private seeded: bool = false;
  private state: u64 = 0;

  seed(value: u64): void {
    this.seeded = true;
    this.state = value;
  }

  /** One draw of its own: true in `chance` of a million cases. */
  roll(chance: u32): bool {
    if (!this.seeded || chance == 0 || chance >= DENOMINATOR) return roll(chance);
    return this.next() % DENOMINATOR < chance;
  }

  /** SplitMix64. */
  private next(): u64 {
    this.state += ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;
    let z = this.state;
    z = (z ^ (z >> 30)) * (((<u64>0xbf58476d) << 32) | 0x1ce4e5b9);
    z = (z ^ (z >> 27)) * (((<u64>0x94d049bb) << 32) | 0x133111eb);
    return z ^ (z >> 31);
  }
}
