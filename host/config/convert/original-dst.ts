import type { OriginalDstConfig } from "../model";
import type { RawCluster } from "../schema/bootstrap";
import { durationMs } from "../schema/scalars";

const HEADER = "x-envoy-original-dst-host";
const CLEANUP_MS = 5000;

/** Undefined for clusters of other types, which may have the field and do nothing with it. */
export function convertOriginalDst(raw: RawCluster): OriginalDstConfig | undefined {
  if (raw.type !== "ORIGINAL_DST") return undefined;
  const { http_header_name: name, upstream_port_override: port } = raw.original_dst_lb_config ?? {};
  return {
    header: (name ?? HEADER).toLowerCase(),
    port,
    cleanupMs: raw.cleanup_interval === undefined ? CLEANUP_MS : Math.floor(durationMs(raw.cleanup_interval)),
  };
}
