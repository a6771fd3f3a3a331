import type * as z from "zod";
import type { OwnHealthConfig } from "../model/own-health";
import type { ownHealthFilter } from "../schema/own-health";
import { durationMs } from "../schema/scalars";
import { convertHeader } from "./route";

export function convertOwnHealth(raw: z.output<typeof ownHealthFilter>): OwnHealthConfig {
  return {
    passThrough: raw.pass_through_mode,
    cacheMs: Math.floor(durationMs(raw.cache_time ?? "0s")),
    headers: (raw.headers ?? []).map(convertHeader),
    // Fractions are cut off (observed).
    minimums: Object.entries(raw.cluster_min_healthy_percentages ?? {}).map(([cluster, { value }]) => ({
      cluster,
      percent: Math.floor(value ?? 0),
    })),
  };
}
