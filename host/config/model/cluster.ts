import type { Metadata } from "../../stores/stream-info";
import type { UpstreamCodecConfig } from "./codec";
import type { Http2Config } from "./common";
import type { EndpointCheckConfig, HealthCheckConfig, HostHealthConfig } from "./health-check";
import type { EndpointHealth, HostSetsConfig, Locality } from "./host-sets";
import type { OriginalDstConfig } from "./original-dst";
import type { OutlierConfig } from "./outlier";
import type { SubsetsConfig } from "./subsets";
import type { UpstreamTlsConfig } from "./tls";

export interface ClusterConfig {
  name: string;
  /** `alt_stat_name` or the name. */
  statName: string;
  type: "STATIC" | "STRICT_DNS" | "LOGICAL_DNS" | "ORIGINAL_DST";
  connectTimeoutMs: number;
  dnsLookupFamily: "AUTO" | "V4_ONLY" | "V6_ONLY" | "V4_PREFERRED" | "ALL";
  metadata: Metadata | undefined;
  endpoints: EndpointConfig[];
  codec: UpstreamCodecConfig;
  /** Set when the cluster speaks HTTP/2. */
  http2: Http2Config | undefined;
  perConnectionBufferLimitBytes: number;
  /** TLS with hosts; undefined = plain. */
  tls: UpstreamTlsConfig | undefined;
  circuitBreakers: CircuitBreakers;
  connectionLimits: ConnectionLimitsConfig;
  /** In place of `max_retries`. */
  retryBudget: RetryBudget | undefined;
  balancing: BalancingConfig;
  /** Undefined = hosts are not judged. */
  outlier: OutlierConfig | undefined;
  /** Undefined = hosts are not asked. */
  healthCheck: HealthCheckConfig | undefined;
  hostHealth: HostHealthConfig;
  hostSets: HostSetsConfig;
  subsets: SubsetsConfig | undefined;
  /** Set for ORIGINAL_DST. */
  originalDst: OriginalDstConfig | undefined;
  /** 0 = as many as come. */
  maxRequestsPerConnection: number;
  /** Milliseconds an unused connection is kept; 0 = for ever. */
  idleTimeoutMs: number;
  /** Milliseconds for one attempt, counted from when it has a connection; 0 = no limit. */
  maxStreamMs: number;
}

/** `lb_policy` with the configurations of all policies. */
export interface BalancingConfig {
  policy: "ROUND_ROBIN" | "LEAST_REQUEST" | "RANDOM" | "RING_HASH" | "MAGLEV";
  /** Hosts that LEAST_REQUEST compares. */
  choices: number;
  minimumRing: number;
  maximumRing: number;
  /** A prime. */
  tableSize: number;
  /** Hosts are placed by their names. */
  useHostname: boolean;
  /** How much requests on their way take from a host's weight in LEAST_REQUEST; 0 = nothing. */
  activeRequestBias: number;
  /** Undefined: hosts have their whole weight at once. */
  slowStart: SlowStartConfig | undefined;
}

/** `slow_start_config`: how a host that is new, or healthy again, comes to its weight. */
export interface SlowStartConfig {
  windowMs: number;
  /** 1 = in a straight line; above, sooner. More than 0. */
  aggression: number;
  /** Part of its weight that it has at once. */
  minimumShare: number;
}

/** What circuit breakers say besides {@link CircuitBreakers}. */
export interface ConnectionLimitsConfig {
  /** Connections to one host. */
  perHost: number;
  /** Whether stats tell what is left, for requests of that priority. */
  trackRemaining: { default: boolean; high: boolean };
}

/** Names as `/clusters` prints them. */
export interface CircuitBreakers {
  max_connections: number;
  max_pending_requests: number;
  max_requests: number;
  max_retries: number;
}

/** How many of the requests under way may be retries. */
export interface RetryBudget {
  percent: number;
  minConcurrency: number;
}

export interface EndpointConfig {
  address: string;
  port: number;
  hostname: string;
  weight: number;
  metadata: Metadata | undefined;
  /** Metadata of the whole locality. */
  localityMetadata: Metadata | undefined;
  locality: Locality;
  /** Share of its locality among those of its priority; 0 = none. */
  localityWeight: number;
  /** 0 is tried first. */
  priority: number;
  health: EndpointHealth;
  check: EndpointCheckConfig;
}
