/** One draw of its own: true in `chance` of `denominator` cases. Never and always need no draw. */
export function roll(chance: u32, denominator: u32): bool {
  if (chance == 0) return false;
  if (chance >= denominator) return true;
  return <u32>(Math.random() * <f64>denominator) < chance;
}
