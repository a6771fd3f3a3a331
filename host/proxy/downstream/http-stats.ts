import type { StatCounter, StatGauge, StatHistogram, StatsStore } from "../stats/store";

const COUNTERS = [
  "downstream_cx_delayed_close_timeout",
  "downstream_cx_destroy",
  "downstream_cx_destroy_active_rq",
  "downstream_cx_destroy_local",
  "downstream_cx_destroy_local_active_rq",
  "downstream_cx_destroy_remote",
  "downstream_cx_destroy_remote_active_rq",
  "downstream_cx_drain_close",
  "downstream_cx_http1_total",
  "downstream_cx_http2_total",
  "downstream_cx_idle_timeout",
  "downstream_cx_max_duration_reached",
  "downstream_cx_max_requests_reached",
  "downstream_cx_protocol_error",
  "downstream_cx_rx_bytes_total",
  "downstream_cx_ssl_total",
  "downstream_cx_total",
  "downstream_cx_tx_bytes_total",
  "downstream_cx_upgrades_total",
  "downstream_flow_control_paused_reading_total",
  "downstream_flow_control_resumed_reading_total",
  "downstream_rq_1xx",
  "downstream_rq_2xx",
  "downstream_rq_3xx",
  "downstream_rq_4xx",
  "downstream_rq_5xx",
  "downstream_rq_completed",
  "downstream_rq_failed_path_normalization",
  "downstream_rq_header_timeout",
  "downstream_rq_http1_total",
  "downstream_rq_http2_total",
  "downstream_rq_idle_timeout",
  "downstream_rq_max_duration_reached",
  "downstream_rq_non_relative_path",
  "downstream_rq_redirected_with_normalized_path",
  "downstream_rq_response_before_rq_complete",
  "downstream_rq_rx_reset",
  "downstream_rq_timeout",
  "downstream_rq_too_large",
  "downstream_rq_total",
  "downstream_rq_tx_reset",
  "downstream_rq_ws_on_non_ws_route",
  "no_cluster",
  "no_route",
  "rq_direct_response",
  "rq_redirect",
  "rq_reset_after_downstream_response_started",
  "rq_total",
  "rs_too_large",
] as const;

const GAUGES = [
  "downstream_cx_active",
  "downstream_cx_http1_active",
  "downstream_cx_http2_active",
  "downstream_cx_rx_bytes_buffered",
  "downstream_cx_ssl_active",
  "downstream_cx_tx_bytes_buffered",
  "downstream_cx_upgrades_active",
  "downstream_rq_active",
] as const;

const HISTOGRAMS = ["downstream_cx_length_ms", "downstream_rq_time"] as const;

type Named<N extends string, T> = { readonly [K in N]: T };

/** `http.<stat_prefix>.*` and the copies of it that count per listener. */
export interface HttpStats
  extends Named<(typeof COUNTERS)[number], StatCounter>,
    Named<(typeof GAUGES)[number], StatGauge>,
    Named<(typeof HISTOGRAMS)[number], StatHistogram> {}

export function createHttpStats(store: StatsStore, statPrefix: string): HttpStats {
  const prefix = `http.${statPrefix}.`;
  return Object.fromEntries([
    ...COUNTERS.map((name) => [name, store.counter(prefix + name)] as const),
    ...GAUGES.map((name) => [name, store.gauge(prefix + name)] as const),
    ...HISTOGRAMS.map((name) => [name, store.histogram(prefix + name)] as const),
  ]) as unknown as HttpStats;
}

/** Counts a finished response by class, for the manager and for its listener. */
export class CodeClassCounter {
  private readonly classes: readonly (readonly StatCounter[])[];
  private readonly completed: readonly StatCounter[];

  constructor(store: StatsStore, statPrefix: string, listenerPrefix: string) {
    const prefixes = [`http.${statPrefix}.`, `${listenerPrefix}http.${statPrefix}.`];
    const both = (name: string) => prefixes.map((p) => store.counter(`${p}downstream_rq_${name}`));
    this.completed = both("completed");
    this.classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(both);
  }

  count(status: number): void {
    for (const counter of this.completed) counter.inc();
    const counters = this.classes[Math.floor(status / 100) - 1];
    if (counters) for (const counter of counters) counter.inc();
  }
}
