import type { SlowStartConfig } from "../../config/model";
import type { Host } from "../clusters/host";

/** Part of its weight that a host has while it warms up: more and more, 1 when it is warm. @param now monotonic milliseconds */
export function slowStartFactor(host: Host, config: SlowStartConfig, now: number): number {
  if (!isStarting(host, config, now)) return 1;
  // Whole milliseconds, as Envoy counts.
  const part = Math.max(1, Math.floor(now - host.healthySince!)) / config.windowMs;
  return Math.max(part ** (1 / config.aggression), config.minimumShare);
}

export function isStarting(host: Host, { windowMs }: SlowStartConfig, now: number): boolean {
  const { healthySince, health } = host;
  return healthySince !== undefined && health === "healthy" && Math.floor(now - healthySince) < windowMs;
}
