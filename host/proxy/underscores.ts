import type { DownstreamCodecConfig } from "../config/model";
import type { StatCounter, StatsStore } from "./stats/store";

/** `http1.*` and `http2.*`: headers with an underscore, which some upstreams take for a dash. */
export interface UnderscoreStats {
  dropped: StatCounter;
  rejected: StatCounter;
}

export function createUnderscoreStats(store: StatsStore, codec: "http1" | "http2"): UnderscoreStats {
  return {
    dropped: store.counter(`${codec}.dropped_headers_with_underscores`),
    rejected: store.counter(`${codec}.requests_rejected_with_underscores_in_headers`),
  };
}

/** A raw header list as `headers_with_underscores_action` leaves it; undefined when the request is refused for it. */
export function withoutUnderscores(
  raw: readonly string[],
  action: DownstreamCodecConfig["underscores"],
  stats: UnderscoreStats,
): readonly string[] | undefined {
  if (action === "ALLOW") return raw;
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!raw[i]!.includes("_")) kept.push(raw[i]!, raw[i + 1]!);
    else if (action === "REJECT_REQUEST") {
      stats.rejected.inc();
      return undefined;
    } else stats.dropped.inc();
  }
  return kept;
}
