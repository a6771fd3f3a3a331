import { Counter } from "proxy-wasm-toolkit/sdk";

const NANOS: i64 = 1000000000;

/** Upper bounds in seconds, those of Prometheus' client libraries, and the same in nanoseconds. */
const BOUNDS: string[] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"];
const NANO_BOUNDS: i64[] = [
  5000000, 10000000, 25000000, 50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000,
  10000000000,
];

/** Methods that are shown as they are: clients may make up others. */
const METHODS: string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/**
 * Metrics that apps usually have themselves. The proxy's histograms know whole numbers only, so the histogram of
 * seconds is written as the counters it consists of.
 */
export class AppMetrics {
  private readonly requests: Counter = new Counter("http_requests_total");
  private readonly buckets: Counter = new Counter("http_request_duration_seconds_bucket", 100000);
  private readonly sums: Counter = new Counter("http_request_duration_seconds_sum");
  private readonly counts: Counter = new Counter("http_request_duration_seconds_count");
  private readonly errors: Counter = new Counter("application_errors_total");
  /** What the sums, which are whole seconds, do not show yet, by their labels. */
  private readonly rests: Map<string, i64> = new Map<string, i64>();

  /** `fromApp`: the answer is the app's own, not one the proxy or a filter made. */
  record(method: string | null, code: i32, nanos: i64, fromApp: bool): void {
    const shown = method != null && METHODS.includes(method) ? method : "other";
    const status = code.toString();
    this.requests.tag("method", shown).tag("status_code", status).increment();
    if (code >= 500 && fromApp) this.errors.tag("method", shown).tag("status_code", status).increment();
    if (nanos < 0) return;
    for (let i = 0; i < BOUNDS.length; i++)
      if (nanos <= NANO_BOUNDS[i]) this.bucket(shown, status, BOUNDS[i]);
    this.bucket(shown, status, "+Inf");
    this.counts.tag("method", shown).tag("status_code", status).increment();
    const key = `${shown} ${status}`;
    const rest = nanos + (this.rests.has(key) ? this.rests.get(key) : 0);
    if (rest >= NANOS)
      this.sums
        .tag("method", shown)
        .tag("status_code", status)
        .increment(rest / NANOS);
    this.rests.set(key, rest % NANOS);
  }

  private bucket(method: string, status: string, bound: string): void {
    this.buckets.tag("method", method).tag("status_code", status).tag("le", bound).increment();
  }
}
