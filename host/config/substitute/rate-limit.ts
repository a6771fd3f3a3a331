import type { Json, Translation } from "./translation";

/** Envoy takes an absent share for never, our filter for always. */
const NEVER = { default_value: { numerator: 0 } };

/** `LocalRateLimit` is what our filter reads; it refuses by name what it does not do. */
export function rateLimitConfig({ "@type": _, ...native }: Json): Translation {
  const configuration = { ...native };
  for (const share of ["filter_enabled", "filter_enforced"]) configuration[share] ??= NEVER;
  return { configuration, problems: [] };
}
