import type { DownstreamCodecConfig } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { UnderscoreStats } from "../underscores";

/** Takes out of trailers what the configuration leaves out, and says what is wrong with the rest. */
export function checkTrailers(
  trailers: HeaderMap,
  { underscores, limits }: DownstreamCodecConfig,
  stats: UnderscoreStats,
): "underscore" | "count" | undefined {
  if (underscores !== "ALLOW") {
    const names = [...trailers].map(([name]) => name).filter((name) => name.includes("_"));
    if (names.length > 0 && underscores === "REJECT_REQUEST") {
      stats.rejected.inc();
      return "underscore";
    }
    stats.dropped.add(names.length);
    for (const name of names) trailers.remove(name);
  }
  return trailers.size > limits.count ? "count" : undefined;
}
