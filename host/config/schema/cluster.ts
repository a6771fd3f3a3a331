import * as z from "zod";
import { upstreamHttp1, upstreamMessages } from "./codec";
import { metadata } from "./common";
import { healthChecks } from "./health-check";
import { commonLb, loadAssignment } from "./host-sets";
import { http2Options } from "./http2";
import { message, oneOf, rule, typed } from "./message";
import { originalDst, originalDstRules } from "./original-dst";
import { outlierDetection } from "./outlier";
import { retryBudget } from "./retry";
import { bool, durationWithin, enumeration, requiredText, text, u32 } from "./scalars";
import { subsets, weighsLocalities } from "./subsets";
import { upstreamLimits } from "./timeouts";
import { upstreamSocket } from "./tls";

/** `typed_extension_protocol_options` under Envoy's name for HTTP. */
export const HTTP_OPTIONS_KEY = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const protocolOptions = message(
  {},
  {
    [HTTP_OPTIONS_KEY]: typed(
      HTTP_OPTIONS_KEY,
      {
        explicit_http_config: message(
          {},
          { http_protocol_options: upstreamHttp1, http2_protocol_options: http2Options },
        ).check(oneOf(["http_protocol_options", "http2_protocol_options"], "required")),
      },
      {
        common_http_protocol_options: message(
          {},
          { max_requests_per_connection: u32, ...upstreamLimits, ...upstreamMessages },
        ),
      },
    ),
  },
);

const MAX_RING = 8_388_608;
const MAX_TABLE = 5_000_011;
const ringSize = u32
  .refine((n) => n <= MAX_RING, `must not be greater than ${MAX_RING}`)
  .meta({ type: "uint32" });
const ringOrder = rule<{ minimum_ring_size?: number; maximum_ring_size?: number }>((value, fail) => {
  const { minimum_ring_size: min = 1024, maximum_ring_size: max = MAX_RING } = value;
  if (min > max) fail(`must not be greater than maximum_ring_size (${max})`, ["minimum_ring_size"]);
});

/** Envoy reads one of them, and only with the policy it belongs to. */
const BALANCING = {
  least_request_lb_config: message(
    {},
    { choice_count: u32.refine((n) => n >= 2, "must be at least 2").meta({ type: "uint32" }) },
  ),
  ring_hash_lb_config: message(
    {},
    {
      minimum_ring_size: ringSize,
      maximum_ring_size: ringSize,
      hash_function: enumeration({ 0: "XX_HASH", 1: "MURMUR_HASH_2" }, ["XX_HASH"]),
    },
  ).check(ringOrder),
  maglev_lb_config: message(
    {},
    { table_size: u32.refine(isPrime, "must be a prime").meta({ type: "uint32" }) },
  ),
  round_robin_lb_config: message({}, {}),
  original_dst_lb_config: originalDst,
};

function isPrime(n: number): boolean {
  if (n < 2 || n > MAX_TABLE) return false;
  for (let k = 2; k * k <= n; k++) if (n % k === 0) return false;
  return true;
}

const thresholds = message(
  {},
  {
    priority: enumeration({ 0: "DEFAULT", 1: "HIGH" }),
    max_connections: u32,
    max_pending_requests: u32,
    max_requests: u32,
    max_retries: u32,
    retry_budget: retryBudget,
  },
);

export const cluster = message(
  { name: requiredText },
  {
    alt_stat_name: text,
    type: enumeration({ 0: "STATIC", 1: "STRICT_DNS", 2: "LOGICAL_DNS", 3: "EDS", 4: "ORIGINAL_DST" }, [
      "STATIC",
      "STRICT_DNS",
      "LOGICAL_DNS",
      "ORIGINAL_DST",
    ]),
    connect_timeout: durationWithin(0.001, Number.POSITIVE_INFINITY, "must be greater than 0s"),
    lb_policy: enumeration({
      0: "ROUND_ROBIN",
      1: "LEAST_REQUEST",
      2: "RING_HASH",
      3: "RANDOM",
      5: "MAGLEV",
      6: "CLUSTER_PROVIDED",
    }),
    cleanup_interval: durationWithin(0.001, Number.POSITIVE_INFINITY, "must be greater than 0s"),
    ...BALANCING,
    common_lb_config: commonLb,
    lb_subset_config: subsets,
    dns_lookup_family: enumeration({ 0: "AUTO", 1: "V4_ONLY", 2: "V6_ONLY", 3: "V4_PREFERRED", 4: "ALL" }),
    metadata,
    per_connection_buffer_limit_bytes: u32,
    outlier_detection: outlierDetection,
    health_checks: healthChecks,
    ignore_health_on_host_removal: bool,
    close_connections_on_host_health_failure: bool,
    circuit_breakers: message({}, { thresholds: z.array(thresholds) }),
    max_requests_per_connection: u32,
    load_assignment: loadAssignment,
    typed_extension_protocol_options: protocolOptions,
    transport_socket: upstreamSocket,
    // Deprecated, and read all the same; typed_extension_protocol_options wins.
    http2_protocol_options: http2Options,
  },
).check(oneOf(Object.keys(BALANCING), "optional"), originalDstRules, weighsLocalities);
