import type { StatCounter, StatGauge, StatsStore } from "../stats/store";

const COUNTERS = [
  "downstream_cx_no_route",
  "downstream_cx_rx_bytes_total",
  "downstream_cx_total",
  "downstream_cx_tx_bytes_total",
  "downstream_flow_control_paused_reading_total",
  "downstream_flow_control_resumed_reading_total",
  "idle_timeout",
  "max_downstream_connection_duration",
  "upstream_flush_total",
] as const;

const GAUGES = [
  "downstream_cx_rx_bytes_buffered",
  "downstream_cx_tx_bytes_buffered",
  "upstream_flush_active",
] as const;

type Named<N extends string, T> = { readonly [K in N]: T };

/** `tcp.<stat_prefix>.*`, as Envoy prints them (only those this proxy can move). */
export interface TcpStats
  extends Named<(typeof COUNTERS)[number], StatCounter>,
    Named<(typeof GAUGES)[number], StatGauge> {}

export function createTcpStats(store: StatsStore, statPrefix: string): TcpStats {
  const prefix = `tcp.${statPrefix}.`;
  return Object.fromEntries([
    ...COUNTERS.map((name) => [name, store.counter(prefix + name)] as const),
    ...GAUGES.map((name) => [name, store.gauge(prefix + name)] as const),
  ]) as unknown as TcpStats;
}
