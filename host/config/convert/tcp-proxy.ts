import type { TcpProxyConfig } from "../model";
import type { FieldPath } from "../path";
import type { RawTcpProxy } from "../schema/bootstrap";
import { durationMs } from "../schema/scalars";
import type { Source } from "../yaml";
import { convertAccessLogs, convertLogOptions } from "./access-log";

/** Envoy's `idle_timeout`. */
const DEFAULT_IDLE_MS = 3_600_000;

/** Whole milliseconds, as Envoy counts them. */
const whole = (duration: string) => Math.floor(durationMs(duration));

export function convertTcpProxy(raw: RawTcpProxy, path: FieldPath, source: Source): TcpProxyConfig {
  const { cluster, weighted_clusters: weighted, max_downstream_connection_duration: longest } = raw;
  return {
    statPrefix: raw.stat_prefix,
    clusters:
      cluster === undefined
        ? weighted!.clusters.map((each) => ({
            cluster: each.name,
            weight: each.weight,
            match: hostMatch(each.metadata_match),
          }))
        : [{ cluster, weight: 1, match: undefined }],
    match: hostMatch(raw.metadata_match),
    hashSourceIp: (raw.hash_policy ?? []).length > 0,
    idleTimeoutMs: raw.idle_timeout === undefined ? DEFAULT_IDLE_MS : whole(raw.idle_timeout),
    maxConnectAttempts: raw.max_connect_attempts ?? 1,
    accessLogs: convertAccessLogs(raw.access_log, [...path, "access_log"], source),
    accessLogOptions: convertLogOptions(raw.access_log_options, "flush_access_log_on_connected"),
    maxDurationMs: longest === undefined ? 0 : whole(longest),
  };
}

/** The part of a `metadata_match` that chooses hosts. */
function hostMatch(raw: RawTcpProxy["metadata_match"]): Record<string, unknown> | undefined {
  return raw?.filter_metadata?.["envoy.lb"];
}
