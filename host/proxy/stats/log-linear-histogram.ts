/**
 * A histogram with log-linear bins, two significant decimal digits each, as Envoy's: the value 1234 falls into the
 * bin [1200, 1300). Non-negative whole numbers only.
 */
export class LogLinearHistogram {
  /** Bin key -> count; key 0 is the value zero, else exponent * 90 + (first two digits - 10) + 1. */
  private readonly bins = new Map<number, number>();
  private sorted: number[] | undefined;
  count = 0;

  record(value: number): void {
    const key = binOf(value);
    this.bins.set(key, (this.bins.get(key) ?? 0) + 1);
    this.count++;
    this.sorted = undefined;
  }

  merge(other: LogLinearHistogram): void {
    if (other.count === 0) return;
    for (const [key, count] of other.bins) this.bins.set(key, (this.bins.get(key) ?? 0) + count);
    this.count += other.count;
    this.sorted = undefined;
  }

  clear(): void {
    if (this.count === 0) return;
    this.bins.clear();
    this.count = 0;
    this.sorted = undefined;
  }

  private keys(): number[] {
    this.sorted ??= [...this.bins.keys()].sort((a, b) => a - b);
    return this.sorted;
  }

  /** Sum of bin midpoints. */
  sum(): number {
    let sum = 0;
    for (const key of this.keys()) sum += midpoint(key) * this.bins.get(key)!;
    return sum;
  }

  /** Values in bins that begin at or below `bound`. */
  countBelow(bound: number): number {
    let below = 0;
    for (const key of this.keys()) {
      if (lower(key) > bound) break;
      below += this.bins.get(key)!;
    }
    return below;
  }

  /** Bins in order: lower bound, width, count. */
  *entries(): IterableIterator<{ lower: number; width: number; count: number }> {
    for (const key of this.keys()) {
      yield { lower: lower(key), width: width(key), count: this.bins.get(key)! };
    }
  }

  /** Approximate quantiles (ascending, 0..1): the k-th of n values of a bin stands at k/(n+1) of it; NaN when empty. */
  quantiles(wanted: readonly number[]): number[] {
    const keys = this.keys();
    if (keys.length === 0) return wanted.map(() => Number.NaN);
    const out: number[] = [];
    let at = 0;
    let before = 0;
    for (const q of wanted) {
      const rank = Math.max(1, Math.ceil(q * this.count));
      while (before + this.bins.get(keys[at]!)! < rank) {
        before += this.bins.get(keys[at]!)!;
        at++;
      }
      const key = keys[at]!;
      out.push(lower(key) + width(key) * ((rank - before) / (this.bins.get(key)! + 1)));
    }
    return out;
  }
}

function binOf(value: number): number {
  if (!(value > 0)) return 0;
  // 0.1 .. 0.9 do not occur: Envoy records whole numbers only.
  let exponent = 0;
  let scaled = value;
  while (scaled >= 100) {
    scaled /= 10;
    exponent++;
  }
  if (scaled < 10) return Math.floor(scaled * 10 + 1e-9) - 10 + 1;
  return (exponent + 1) * 90 + Math.floor(scaled + 1e-9) - 10 + 1;
}

function width(key: number): number {
  return key === 0 ? 0 : 10 ** (Math.floor((key - 1) / 90) - 1);
}

function lower(key: number): number {
  if (key === 0) return 0;
  const exponent = Math.floor((key - 1) / 90) - 1;
  const mantissa = ((key - 1) % 90) + 10;
  return exponent < 0 ? mantissa / 10 : mantissa * 10 ** exponent;
}

/** Envoy's midpoint leans to the lower edge (the harmonic mean of both edges). */
function midpoint(key: number): number {
  const bottom = lower(key);
  const span = width(key);
  return key === 0 ? 0 : bottom + span * (bottom / (bottom + bottom + span));
}
