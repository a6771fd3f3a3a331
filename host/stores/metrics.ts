import { MetricType } from "../../sdk/abi/metric-type";
import { Status } from "../../sdk/abi/status";
import type { Counter, Gauge, Histogram, StatsSink } from "./stats";

type Metric =
  | { type: MetricType.Counter; stat: Counter }
  | { type: MetricType.Gauge; stat: Gauge }
  | { type: MetricType.Histogram; stat: Histogram };

/** Ids count in steps of four per type; the low two bits are the type. */
const STEP = 4;
/** Most ids one VM may define: define_metric gives a new id at every call, so a leaking guest ends here. */
const MAX_METRICS = 1_000_000;
/** Envoy's namespace for guests' metrics. */
const PREFIX = "wasmcustom.";

/** The metric ids of one VM. Each definition is a new id on the same underlying stat. */
export class MetricTable {
  private readonly metrics = new Map<number, Metric>();
  private readonly next = [STEP, STEP + 1, STEP + 2];

  constructor(private readonly stats: StatsSink) {}

  /** The new id; undefined for an unknown type or a full table. */
  define(type: number, name: string): number | undefined {
    if (type > MetricType.Histogram || this.metrics.size >= MAX_METRICS) return undefined;
    const id = this.next[type]!;
    this.next[type] = id + STEP;
    const full = PREFIX + name;
    if (type === MetricType.Counter) this.metrics.set(id, { type, stat: this.stats.counter(full) });
    else if (type === MetricType.Gauge) this.metrics.set(id, { type, stat: this.stats.gauge(full) });
    else this.metrics.set(id, { type: MetricType.Histogram, stat: this.stats.histogram(full) });
    return id;
  }

  /** Counters take positive amounts only; gauges go both ways and wrap below zero. */
  increment(id: number, delta: bigint): Status {
    const metric = this.metrics.get(id);
    if (!metric) return (id & 3) > MetricType.Gauge ? Status.BadArgument : Status.NotFound;
    if (metric.type === MetricType.Histogram) return Status.BadArgument;
    if (metric.type === MetricType.Counter && delta <= 0n) return Status.BadArgument;
    metric.stat.add(Number(delta));
    return Status.Ok;
  }

  /** Counters add, gauges set, histograms record. */
  record(id: number, value: bigint): Status {
    const metric = this.metrics.get(id);
    if (!metric) return Status.NotFound;
    if (metric.type === MetricType.Counter) metric.stat.add(Number(value));
    else if (metric.type === MetricType.Gauge) metric.stat.set(BigInt.asUintN(64, value));
    else metric.stat.record(Number(BigInt.asUintN(64, value)));
    return Status.Ok;
  }

  get(id: number): bigint | Status {
    const metric = this.metrics.get(id);
    if (!metric) return (id & 3) > MetricType.Gauge ? Status.BadArgument : Status.NotFound;
    if (metric.type === MetricType.Histogram) return Status.BadArgument;
    return BigInt(metric.stat.value);
  }
}
