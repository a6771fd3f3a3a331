import type { ClusterConfig, Http2Config } from "../../config/model";
import type { HealthCheckConfig } from "../../config/model/health-check";
import { Cluster } from "../clusters/cluster";
import { Host } from "../clusters/host";
import type { OnBug } from "../contain";
import { StatsStore } from "../stats/store";
import type { HealthCheckStats } from "./health-check-stats";

/** How one check ended. */
export type ProbeResult = { healthy: true; degraded: boolean } | ProbeFailure;

interface ProbeFailure {
  healthy: false;
  failure: "active" | "network";
  /** The host may answer so a few times more before it is given up. */
  retriable: boolean;
  /** It has asked to be left out, and not to count among the others. */
  excluded: boolean;
  /** What it answered over HTTP. */
  status?: number;
}

export const NETWORK_FAILURE: ProbeFailure = {
  healthy: false,
  failure: "network",
  retriable: false,
  excluded: false,
};
export const FAILURE: ProbeFailure = { ...NETWORK_FAILURE, failure: "active" };
export const SUCCESS: ProbeResult = { healthy: true, degraded: false };

/** Asks one host how it is, time after time. */
export interface Probe {
  /** Begins a check; one at a time. Its result is told, unless it is aborted. */
  start(): void;
  /** The check has taken too long. */
  abort(): void;
  /** There will be no more checks; nothing is told any more. */
  close(): void;
}

/** What a probe is made from. */
export interface ProbeSetup<C extends HealthCheckConfig["probe"]> {
  readonly config: C;
  readonly check: HealthCheckConfig;
  readonly cluster: Cluster;
  /** Connections for checks alone go by way of it; no statistics know of them. */
  readonly quiet: Cluster;
  readonly host: Host;
  readonly stats: HealthCheckStats;
  readonly onBug: OnBug;
  onResult(result: ProbeResult): void;
}

/** Where a host is checked, which may be a port beside the one that serves. */
export function checkAddress({ address, port, endpoint }: Host): { address: string; port: number } {
  return { address, port: endpoint.check.port || port };
}

/** `:authority` of a check: the endpoint's own name for it, the check's, or the cluster's name. */
export function checkAuthority({ host, cluster }: { host: Host; cluster: Cluster }, own: string): string {
  return host.endpoint.check.hostname || own || cluster.config.name;
}

/** What stands for a host when it is checked over HTTP: its address for checks, with a pool of its own. */
export function checkedHost(
  { host, quiet, cluster, check }: ProbeSetup<HealthCheckConfig["probe"]>,
  http2: Http2Config | undefined,
): Host {
  const { address, port } = checkAddress(host);
  const config = { ...quiet.config, http2, maxRequestsPerConnection: check.reuseConnection ? 0 : 1 };
  const { stats, resources } = quiet;
  return new Host(address, port, host.endpoint, { config, stats, resources, tls: cluster.tls });
}

/** A cluster for checks alone: without hosts, limits or anyone who reads its statistics. */
export function quietCluster(config: ClusterConfig): Cluster {
  return new Cluster(
    {
      ...config,
      endpoints: [],
      tls: undefined,
      outlier: undefined,
      healthCheck: undefined,
      circuitBreakers: { ...config.circuitBreakers, ...UNLIMITED },
      connectionLimits: { perHost: MOST, trackRemaining: { default: false, high: false } },
      // The time-out of the check ends it.
      connectTimeoutMs: MAX_TIMER_MS,
      idleTimeoutMs: 0,
    },
    new StatsStore(),
  );
}

const MAX_TIMER_MS = 2 ** 31 - 1;
const MOST = Number.MAX_SAFE_INTEGER;
const UNLIMITED = { max_connections: MOST, max_pending_requests: MOST, max_requests: MOST };
