/** Envoy's response flags in the order of their bits: short and long name. */
const FLAGS: readonly (readonly [short: string, long: string])[] = [
  ["LH", "FailedLocalHealthCheck"],
  ["UH", "NoHealthyUpstream"],
  ["UT", "UpstreamRequestTimeout"],
  ["LR", "LocalReset"],
  ["UR", "UpstreamRemoteReset"],
  ["UF", "UpstreamConnectionFailure"],
  ["UC", "UpstreamConnectionTermination"],
  ["UO", "UpstreamOverflow"],
  ["NR", "NoRouteFound"],
  ["DI", "DelayInjected"],
  ["FI", "FaultInjected"],
  ["RL", "RateLimited"],
  ["UAEX", "UnauthorizedExternalService"],
  ["RLSE", "RateLimitServiceError"],
  ["DC", "DownstreamConnectionTermination"],
  ["URX", "UpstreamRetryLimitExceeded"],
  ["SI", "StreamIdleTimeout"],
  ["IH", "InvalidEnvoyRequestHeaders"],
  ["DPE", "DownstreamProtocolError"],
  ["UMSDR", "UpstreamMaxStreamDurationReached"],
  ["RFCF", "ResponseFromCacheFilter"],
  ["NFCF", "NoFilterConfigFound"],
  ["DT", "DurationTimeout"],
  ["UPE", "UpstreamProtocolError"],
  ["NC", "NoClusterFound"],
  ["OM", "OverloadManagerTerminated"],
  ["DF", "DnsResolutionFailed"],
  ["DO", "DropOverload"],
  ["DR", "DownstreamRemoteReset"],
  ["UDO", "UnconditionalDropOverload"],
];

/** Bits by short name. */
export const flagNumbers: ReadonlyMap<string, number> = new Map(FLAGS.map(([short], bit) => [short, bit]));

interface Flags {
  readonly responseFlags: number;
  readonly flagOrder?: readonly number[] | undefined;
}

/** The names of the flags that are set, in the order in which they were, with commas between them; `-` when none is. */
export function flagNames({ responseFlags: flags, flagOrder }: Flags, form: "short" | "long"): string {
  if (flags === 0) return "-";
  if (flagOrder) return flagOrder.map((each) => flagNames({ responseFlags: each }, form)).join(",");
  const at = form === "short" ? 0 : 1;
  const set = FLAGS.filter((_, bit) => flags & (1 << bit));
  return set.map((names) => names[at]).join(",") || "-";
}
