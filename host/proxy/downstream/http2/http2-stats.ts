import type { StatCounter, StatGauge, StatsStore } from "../../stats/store";

const COUNTERS = [
  "goaway_sent",
  "header_list_size_too_large",
  "header_overflow",
  "inbound_empty_frames_flood",
  "outbound_control_flood",
  "rx_messaging_error",
  "rx_reset",
  "trailers",
  "tx_flush_timeout",
  "tx_reset",
] as const;

/** `http2.*`: what the codec counts for all listeners together (those of Envoy's that this proxy can move). */
export interface Http2Stats extends Record<(typeof COUNTERS)[number], StatCounter> {
  streams_active: StatGauge;
}

export function createHttp2Stats(store: StatsStore): Http2Stats {
  const counters = COUNTERS.map((name) => [name, store.counter(`http2.${name}`)] as const);
  return {
    ...(Object.fromEntries(counters) as Record<(typeof COUNTERS)[number], StatCounter>),
    streams_active: store.gauge("http2.streams_active"),
  };
}
