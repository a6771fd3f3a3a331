/** Kinds of metric; the low two bits of a metric id repeat the kind. */
export enum MetricType {
  Counter = 0,
  Gauge = 1,
  Histogram = 2,
}
