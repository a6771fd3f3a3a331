import type { Counter, Gauge, Histogram, StatsSink } from "../stores/stats";

export type Labels = Readonly<Record<string, string>>;

/** One series: its name without the encoded labels, and what was counted, set or recorded. */
export interface MetricSeries {
  type: "counter" | "gauge" | "histogram";
  /** The name as the guest defined it. */
  rawName: string;
  name: string;
  labels: Labels;
  /** Sum of a counter, level of a gauge, number of values of a histogram. */
  value: number;
  /** What a histogram recorded, in order. */
  values: readonly number[];
}

/** Envoy's namespace for guests' metrics. */
const PREFIX = "wasmcustom.";
/** Between a label and its value, and after the value, in the encoded names that `stats_tags` take apart. */
const EQUALS = "=.=";
const END = ";.;";

/** `reporter=.=source;.;requests_total` -> the labels and `requests_total`. */
export function decodeName(raw: string): { name: string; labels: Labels } {
  const parts = raw.split(END);
  const name = parts.pop()!;
  const labels = parts.map((part) => {
    const at = part.indexOf(EQUALS);
    return at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + EQUALS.length)];
  });
  return { name, labels: Object.fromEntries(labels) };
}

class Recorded implements Counter, Histogram {
  value = 0;
  readonly values: number[] = [];

  add(n: number): void {
    this.value += n;
  }

  record(value: number): void {
    this.value++;
    this.values.push(value);
  }
}

class RecordedGauge implements Gauge {
  value = 0n;

  add(n: number): void {
    this.value = BigInt.asUintN(64, this.value + BigInt(n));
  }

  set(value: bigint): void {
    this.value = value;
  }
}

/** Where the metrics of the guests under test live. */
export class RecordedMetrics implements StatsSink {
  readonly #counters = new Map<string, Recorded>();
  readonly #gauges = new Map<string, RecordedGauge>();
  readonly #histograms = new Map<string, Recorded>();

  counter(name: string): Counter {
    return entry(this.#counters, name, () => new Recorded());
  }

  gauge(name: string): Gauge {
    return entry(this.#gauges, name, () => new RecordedGauge());
  }

  histogram(name: string): Histogram {
    return entry(this.#histograms, name, () => new Recorded());
  }

  /** Every series there is. */
  get all(): MetricSeries[] {
    const guest = <T>(map: Map<string, T>) =>
      [...map].flatMap(([full, stat]) =>
        full.startsWith(PREFIX) ? [[full.slice(PREFIX.length), stat] as const] : [],
      );
    const series = (
      type: MetricSeries["type"],
      rawName: string,
      value: number,
      values: readonly number[],
    ) => ({ type, rawName, ...decodeName(rawName), value, values });
    return [
      ...guest(this.#counters).map(([name, stat]) => series("counter", name, stat.value, [])),
      ...guest(this.#gauges).map(([name, stat]) => series("gauge", name, Number(stat.value), [])),
      ...guest(this.#histograms).map(([name, stat]) => series("histogram", name, stat.value, stat.values)),
    ];
  }

  /** The series of a name that have at least these labels. */
  find(name: string, labels: Labels = {}): MetricSeries[] {
    const wanted = Object.entries(labels);
    return this.all.filter(
      (series) => series.name === name && wanted.every(([key, value]) => series.labels[key] === value),
    );
  }

  /** Sum over {@link find}: 0 when there is no such series. */
  value(name: string, labels: Labels = {}): number {
    return this.find(name, labels).reduce((sum, series) => sum + series.value, 0);
  }
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known) return known;
  const made = make();
  map.set(key, made);
  return made;
}
