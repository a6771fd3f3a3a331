import type { HeaderMatcherConfig } from "./route-match";

/** `envoy.filters.http.health_check` */
export interface OwnHealthConfig {
  /** What is behind the proxy answers as long as the proxy itself is well. */
  passThrough: boolean;
  /** Milliseconds an answer from behind stands for the next ones; 0 = none does. */
  cacheMs: number;
  /** All of them make a request one that asks for health. */
  headers: HeaderMatcherConfig[];
  /** Whole per cent of a cluster's hosts that have to be healthy. */
  minimums: { cluster: string; percent: number }[];
}
