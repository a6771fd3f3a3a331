import * as z from "zod";
import { percentage } from "./host-sets";
import { rule, typed } from "./message";
import { headerMatcher } from "./route";
import { bool, duration } from "./scalars";

export const OWN_HEALTH_TYPE = "envoy.extensions.filters.http.health_check.v3.HealthCheck";

const cacheNeedsUpstream = rule<{ pass_through_mode?: unknown; cache_time?: unknown }>((value, fail) => {
  if (value.pass_through_mode === false && value.cache_time !== undefined && value.cache_time !== "0s")
    fail("means nothing without pass_through_mode", ["cache_time"]);
});

/** `envoy.filters.http.health_check`: the proxy says by itself how it, or what stands behind it, is. */
export const ownHealthFilter = typed(
  OWN_HEALTH_TYPE,
  { pass_through_mode: bool },
  {
    cache_time: duration,
    headers: z.array(headerMatcher),
    cluster_min_healthy_percentages: z.record(z.string(), percentage),
  },
).check(cacheNeedsUpstream);
