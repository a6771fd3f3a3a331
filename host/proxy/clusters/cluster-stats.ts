import type { StatCounter, StatGauge, StatHistogram, StatsStore } from "../stats/store";

/** Counters every cluster has from the start, as Envoy prints them (only those this proxy can move). */
const COUNTERS = [
  "upstream_cx_total",
  "upstream_cx_http1_total",
  "upstream_cx_http2_total",
  "upstream_cx_connect_attempts_exceeded",
  "upstream_cx_connect_fail",
  "upstream_cx_connect_timeout",
  "upstream_cx_destroy",
  "upstream_cx_destroy_local",
  "upstream_cx_destroy_local_with_active_rq",
  "upstream_cx_destroy_remote",
  "upstream_cx_destroy_remote_with_active_rq",
  "upstream_cx_destroy_with_active_rq",
  "upstream_cx_idle_timeout",
  "upstream_cx_none_healthy",
  "upstream_cx_max_requests",
  "upstream_cx_overflow",
  "upstream_cx_protocol_error",
  "upstream_cx_rx_bytes_total",
  "upstream_cx_tx_bytes_total",
  "upstream_rq_total",
  "upstream_rq_cancelled",
  "upstream_rq_completed",
  "upstream_rq_maintenance_mode",
  "upstream_rq_active_overflow",
  "upstream_rq_pending_overflow",
  "upstream_rq_pending_failure_eject",
  "upstream_rq_pending_total",
  "upstream_rq_max_duration_reached",
  "upstream_rq_per_try_idle_timeout",
  "upstream_rq_per_try_timeout",
  "upstream_rq_retry",
  "upstream_rq_retry_overflow",
  "upstream_rq_retry_success",
  "upstream_rq_retry_backoff_exponential",
  "upstream_rq_retry_limit_exceeded",
  "retry_or_shadow_abandoned",
  "upstream_rq_rx_reset",
  "upstream_rq_timeout",
  "upstream_rq_tx_reset",
  "upstream_flow_control_paused_reading_total",
  "upstream_flow_control_resumed_reading_total",
  "upstream_flow_control_backed_up_total",
  "upstream_flow_control_drained_total",
  "update_attempt",
  "update_empty",
  "update_failure",
  "update_no_rebuild",
  "update_success",
  "membership_change",
  "bind_errors",
  "lb_healthy_panic",
  "lb_subsets_created",
  "lb_subsets_fallback",
  "lb_subsets_fallback_panic",
  "lb_subsets_removed",
  "lb_subsets_selected",
] as const;

const GAUGES = [
  "upstream_cx_active",
  "upstream_cx_rx_bytes_buffered",
  "upstream_cx_tx_bytes_buffered",
  "upstream_rq_active",
  "upstream_rq_pending_active",
  "membership_degraded",
  "membership_excluded",
  "membership_healthy",
  "membership_total",
  "max_host_weight",
  "lb_subsets_active",
  "version",
] as const;

const HISTOGRAMS = ["upstream_cx_connect_ms", "upstream_cx_length_ms", "upstream_rq_per_cx"] as const;

type Named<N extends string, T> = { readonly [K in N]: T };

/** The stats of one cluster, created with it. */
export interface ClusterStats
  extends Named<(typeof COUNTERS)[number], StatCounter>,
    Named<(typeof GAUGES)[number], StatGauge>,
    Named<(typeof HISTOGRAMS)[number], StatHistogram> {}

export function createClusterStats(store: StatsStore, statName: string): ClusterStats {
  const prefix = `cluster.${statName}.`;
  return Object.fromEntries([
    ...COUNTERS.map((name) => [name, store.counter(prefix + name)] as const),
    ...GAUGES.map((name) => [name, store.gauge(prefix + name)] as const),
    ...HISTOGRAMS.map((name) => [name, store.histogram(prefix + name)] as const),
  ]) as unknown as ClusterStats;
}

/** `upstream_rq_200`, `upstream_rq_2xx`, ... with and without their origin; made when first seen, as in Envoy. */
export class ResponseCodeStats {
  private readonly byCode = new Map<number, readonly StatCounter[]>();
  private times: readonly StatHistogram[] | undefined;

  constructor(
    private readonly store: StatsStore,
    private readonly prefix: string,
    private readonly completed: StatCounter,
    /** Who asked: a client, or the proxy itself for a filter. */
    private readonly origin: "external" | "internal",
  ) {}

  /** One response of that status. */
  count(status: number): void {
    let counters = this.byCode.get(status);
    if (!counters) {
      const names = [`upstream_rq_${status}`, `upstream_rq_${Math.floor(status / 100)}xx`];
      counters = [
        this.completed,
        this.store.counter(`${this.prefix}${this.origin}.upstream_rq_completed`),
        ...names.flatMap((n) => [
          this.store.counter(this.prefix + n),
          this.store.counter(`${this.prefix}${this.origin}.${n}`),
        ]),
      ];
      // A status is three digits; anything else is nobody's code and not worth a map entry each.
      if (status >= 100 && status < 1000) this.byCode.set(status, counters);
    }
    for (const counter of counters) counter.inc();
  }

  /** Milliseconds from the request's last byte to the response's end. */
  time(ms: number): void {
    this.times ??= [
      this.store.histogram(`${this.prefix}upstream_rq_time`),
      this.store.histogram(`${this.prefix}${this.origin}.upstream_rq_time`),
    ];
    for (const histogram of this.times) histogram.record(ms);
  }
}

/** Answers that were retried: `retry.upstream_rq_503`, `retry.upstream_rq_5xx`, `retry.upstream_rq_completed`. */
export class RetriedStats {
  constructor(
    private readonly store: StatsStore,
    private readonly prefix: string,
  ) {}

  count(status: number): void {
    for (const name of [
      `upstream_rq_${status}`,
      `upstream_rq_${Math.floor(status / 100)}xx`,
      "upstream_rq_completed",
    ])
      this.store.counter(`${this.prefix}retry.${name}`).inc();
  }
}
