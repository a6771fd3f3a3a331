import { Counter, Histogram, logWarn, Metric } from "proxy-wasm-toolkit/sdk";
import { Facts } from "./facts";
import { Labels } from "./labels";
import { LocalWorkload } from "./local";

/** The four series of one set of labels. */
export class Series {
  constructor(
    readonly facts: Facts | null,
    readonly requests: Metric,
    readonly duration: Metric,
    readonly requestBytes: Metric,
    readonly responseBytes: Metric,
    readonly next: Series | null,
  ) {}
}

const BUCKETS = 256;

/** Series by facts: a known set of labels builds no text. Past `limit` sets everything new counts in one series. */
export class SeriesTable {
  private readonly buckets: StaticArray<Series | null> = new StaticArray<Series | null>(BUCKETS);
  private readonly requests: Counter;
  private readonly duration: Histogram;
  private readonly requestBytes: Histogram;
  private readonly responseBytes: Histogram;
  private overflow: Series | null = null;
  private count: i32 = 0;

  constructor(
    private readonly local: LocalWorkload,
    private readonly isDestination: bool,
    private readonly limit: i32,
  ) {
    this.requests = new Counter("istio_requests_total", limit + 1);
    this.duration = new Histogram("istio_request_duration_milliseconds", limit + 1);
    this.requestBytes = new Histogram("istio_request_bytes", limit + 1);
    this.responseBytes = new Histogram("istio_response_bytes", limit + 1);
  }

  find(facts: Facts): Series {
    const index = facts.hash % BUCKETS;
    const first = this.buckets[index];
    let each = first;
    while (each != null) {
      if ((each.facts as Facts).equals(facts)) return each;
      each = each.next;
    }
    if (this.count >= this.limit) return this.last();
    this.count++;
    const made = this.define(facts, first);
    this.buckets[index] = made;
    return made;
  }

  private last(): Series {
    let series = this.overflow;
    if (series == null) {
      logWarn(`more than ${this.limit} sets of labels: further ones count as "other"`);
      this.overflow = series = this.define(null, null);
    }
    return series;
  }

  private define(facts: Facts | null, next: Series | null): Series {
    const labels = this.isDestination
      ? Labels.ofDestination(this.local, facts)
      : Labels.ofSource(this.local, facts);
    labels.write<Counter>(this.requests);
    const requests = this.requests.series();
    return new Series(
      facts,
      requests,
      histogram(this.duration, labels),
      histogram(this.requestBytes, labels),
      histogram(this.responseBytes, labels),
      next,
    );
  }
}

function histogram(family: Histogram, labels: Labels): Metric {
  labels.write<Histogram>(family);
  return family.series();
}
