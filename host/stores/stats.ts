/** A number that only grows. */
export interface Counter {
  add(n: number): void;
  readonly value: number;
}

/** A number that goes both ways; u64 in Envoy, so it wraps below zero. */
export interface Gauge {
  add(n: number): void;
  set(value: bigint): void;
  readonly value: bigint;
}

/** A distribution of whole numbers. */
export interface Histogram {
  record(value: number): void;
}

/** Where counters live; names are Envoy's raw stat names (`cluster.app.upstream_rq_total`). Same name, same object. */
export interface StatsSink {
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  histogram(name: string): Histogram;
}
