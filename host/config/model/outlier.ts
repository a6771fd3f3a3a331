/** Ways to find a host out, by the words that stand in the names of their stats. */
export const EJECTION_KINDS = [
  "consecutive_5xx",
  "consecutive_gateway_failure",
  "consecutive_local_origin_failure",
  "success_rate",
  "local_origin_success_rate",
  "failure_percentage",
  "local_origin_failure_percentage",
] as const;
export type EjectionKind = (typeof EJECTION_KINDS)[number];

/** `OutlierDetection` with Envoy's defaults filled in. */
export interface OutlierConfig {
  intervalMs: number;
  baseEjectionMs: number;
  maxEjectionMs: number;
  /** Up to so much longer, by chance. */
  maxEjectionJitterMs: number;
  /** Of all hosts of the cluster. */
  maxEjectionPercent: number;
  /** The first host goes whatever the percentage says. */
  alwaysEjectOneHost: boolean;
  /** Failures in a row; 0 = never. */
  consecutive5xx: number;
  consecutiveGatewayFailure: number;
  consecutiveLocalOriginFailure: number;
  /** Failures of the way to the host are counted by themselves, and not as its own. */
  splitOrigins: boolean;
  /** Chance that a host that is found out is ejected, per cent. */
  enforcing: Readonly<Record<EjectionKind, number>>;
  successRate: {
    minimumHosts: number;
    requestVolume: number;
    /** A thousand times the number of standard deviations. */
    stdevFactor: number;
  };
  failurePercentage: { threshold: number; minimumHosts: number; requestVolume: number };
  /** A host that says of itself that it is degraded is taken for that, for as long as an ejection would last. */
  detectDegraded: boolean;
  /** An active health check that succeeds brings a host back. */
  healthCheckUnejects: boolean;
}
