import { logWarn, Metric } from "proxy-wasm-toolkit/sdk";
import { LabelSet } from "./label-set";
import { MetricPlan } from "./plans";

/** The series of one label set, one for each metric of its traffic; 0 = not counted. */
export class Series {
  readonly metrics: StaticArray<Metric>;

  constructor(plans: MetricPlan[], labels: LabelSet) {
    const metrics = new StaticArray<Metric>(plans.length);
    for (let i = 0; i < plans.length; i++) metrics[i] = plans[i].series(labels.values);
    this.metrics = metrics;
  }

  /** Adds to the counter at that place. */
  count(index: i32, amount: i64): void {
    const metric = unchecked(this.metrics[index]);
    if (amount > 0 && changetype<usize>(metric) != 0) metric.increment(amount);
  }

  /** Puts a value into the histogram at that place. */
  record(index: i32, value: i64): void {
    const metric = unchecked(this.metrics[index]);
    if (changetype<usize>(metric) != 0) metric.record(value);
  }
}

/** Longer label sets, in characters, count with the overflow: a metric's name has its limits. */
const MAX_LENGTH = 2048;

/** Series by label set. Past `limit` sets everything new counts in one series, so that sums stay right. */
export class SeriesTable {
  private readonly known: Map<string, Series> = new Map<string, Series>();
  private overflow: Series | null = null;

  constructor(
    private readonly plans: MetricPlan[],
    private readonly limit: i32,
    private readonly other: LabelSet,
  ) {
    for (let i = 0; i < plans.length; i++) plans[i].limit(limit + 1);
  }

  find(labels: LabelSet): Series {
    const key = labels.key;
    if (key.length > MAX_LENGTH) return this.last();
    if (this.known.has(key)) return this.known.get(key);
    if (this.known.size >= this.limit) return this.last();
    const made = new Series(this.plans, labels);
    this.known.set(key, made);
    return made;
  }

  private last(): Series {
    let series = this.overflow;
    if (series == null) {
      logWarn(`more than ${this.limit} sets of labels, or one that is too long: counted as "other"`);
      this.overflow = series = new Series(this.plans, this.other);
    }
    return series;
  }
}
