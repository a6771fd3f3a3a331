import * as z from "zod";
import { BALANCING } from "./balancing";
import { upstreamHttp1, upstreamMessages } from "./codec";
import { metadata } from "./common";
import { healthChecks } from "./health-check";
import { commonLb, loadAssignment } from "./host-sets";
import { http2Options } from "./http2";
import { loadBalancingPolicy, policyRules } from "./load-balancing-policy";
import { message, oneOf, typed } from "./message";
import { originalDstRules } from "./original-dst";
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

const priority = enumeration({ 0: "DEFAULT", 1: "HIGH" });
const thresholds = message(
  {},
  {
    priority,
    max_connections: u32,
    max_pending_requests: u32,
    max_requests: u32,
    max_retries: u32,
    retry_budget: retryBudget,
    track_remaining: bool,
  },
);
/** Envoy knows no other limit of a host. */
const hostThresholds = message({}, { priority, max_connections: u32 });

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
      7: "LOAD_BALANCING_POLICY_CONFIG",
    }),
    cleanup_interval: durationWithin(0.001, Number.POSITIVE_INFINITY, "must be greater than 0s"),
    ...BALANCING,
    common_lb_config: commonLb,
    lb_subset_config: subsets,
    load_balancing_policy: loadBalancingPolicy,
    dns_lookup_family: enumeration({ 0: "AUTO", 1: "V4_ONLY", 2: "V6_ONLY", 3: "V4_PREFERRED", 4: "ALL" }),
    metadata,
    per_connection_buffer_limit_bytes: u32,
    outlier_detection: outlierDetection,
    health_checks: healthChecks,
    ignore_health_on_host_removal: bool,
    close_connections_on_host_health_failure: bool,
    circuit_breakers: message(
      {},
      { thresholds: z.array(thresholds), per_host_thresholds: z.array(hostThresholds) },
    ),
    max_requests_per_connection: u32,
    load_assignment: loadAssignment,
    typed_extension_protocol_options: protocolOptions,
    transport_socket: upstreamSocket,
    // Deprecated, and read all the same; typed_extension_protocol_options wins.
    http2_protocol_options: http2Options,
  },
).check(oneOf(Object.keys(BALANCING), "optional"), originalDstRules, policyRules, weighsLocalities);
