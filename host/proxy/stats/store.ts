import type { Counter, Gauge, Histogram, StatsSink } from "../../stores/stats";
import { LogLinearHistogram } from "./log-linear-histogram";

/** What counters, gauges and histograms share: a raw name, and whether they were ever touched. */
export interface Stat {
  readonly name: string;
  readonly used: boolean;
}

export class StatCounter implements Counter, Stat {
  value = 0;
  used = false;
  constructor(readonly name: string) {}
  add(n: number): void {
    this.used = true;
    this.value += n;
  }
  /** One more; the common case without an argument. */
  inc(): void {
    this.used = true;
    this.value++;
  }
}

/** A gauge kept as a JS number while it is small, and as the wrapped u64 outside. */
export class StatGauge implements Gauge, Stat {
  private amount = 0;
  private wrapped: bigint | undefined;
  used = false;
  constructor(readonly name: string) {}
  get value(): bigint {
    return this.wrapped ?? BigInt.asUintN(64, BigInt(this.amount));
  }
  add(n: number): void {
    this.used = true;
    const sum = this.amount + n;
    if (this.wrapped === undefined && Number.isSafeInteger(sum)) this.amount = sum;
    else this.set(this.value + BigInt(n));
  }
  set(value: bigint): void {
    this.used = true;
    const small = value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER);
    this.amount = small ? Number(value) : 0;
    this.wrapped = small ? undefined : BigInt.asUintN(64, value);
  }
}

/**
 * Values recorded since the last flush wait in `interval`; a flush makes them the last interval's and adds them to
 * the totals. Envoy shows histograms only as they were at the last flush.
 */
export class StatHistogram implements Histogram, Stat {
  private pending = new LogLinearHistogram();
  interval = new LogLinearHistogram();
  readonly cumulative = new LogLinearHistogram();
  used = false;
  constructor(readonly name: string) {}
  record(value: number): void {
    this.pending.record(value);
  }
  flush(): void {
    if (this.pending.count > 0) this.used = true;
    const spare = this.interval;
    this.interval = this.pending;
    this.cumulative.merge(this.interval);
    spare.clear();
    this.pending = spare;
  }
}

/** All stats of one proxy, by Envoy's raw names. */
export class StatsStore implements StatsSink {
  readonly counters = new Map<string, StatCounter>();
  readonly gauges = new Map<string, StatGauge>();
  readonly histograms = new Map<string, StatHistogram>();

  counter(name: string): StatCounter {
    let stat = this.counters.get(name);
    if (!stat) {
      stat = new StatCounter(name);
      this.counters.set(name, stat);
    }
    return stat;
  }

  gauge(name: string): StatGauge {
    let stat = this.gauges.get(name);
    if (!stat) {
      stat = new StatGauge(name);
      this.gauges.set(name, stat);
    }
    return stat;
  }

  histogram(name: string): StatHistogram {
    let stat = this.histograms.get(name);
    if (!stat) {
      stat = new StatHistogram(name);
      this.histograms.set(name, stat);
    }
    return stat;
  }

  /** Every `stats_flush_interval`: new histogram values become visible. */
  flush(): void {
    for (const histogram of this.histograms.values()) histogram.flush();
  }
}
