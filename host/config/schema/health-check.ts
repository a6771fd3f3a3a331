import * as z from "zod";
import { stringMatcher } from "./common";
import { headersToAdd } from "./header-mutations";
import { message, oneOf, rule, typed } from "./message";
import {
  bool,
  bytes,
  duration,
  durationWithin,
  enumeration,
  headerName,
  headerValue,
  i64,
  port,
  requiredText,
  text,
  u32,
} from "./scalars";

const time = durationWithin(1e-6, Number.POSITIVE_INFINITY, "must be greater than 0s");

const hex = requiredText
  .regex(/^(?:[0-9A-Fa-f]{2})*$/, "must be pairs of hexadecimal digits")
  .meta({ type: "string (hexadecimal)" });

const payload = message({}, { text: hex, binary: bytes }).check(oneOf(["text", "binary"], "required"));

const statusRange = message({ start: i64, end: i64 }, {}).check(
  rule<{ start?: unknown; end?: unknown }>(({ start, end }, fail) => {
    if (typeof start !== "number" || typeof end !== "number") return;
    if (start >= end) fail("start must be less than end", ["start"]);
    else if (start < 100) fail("must be 100 or more", ["start"]);
    else if (end > 600) fail("must be 600 or less", ["end"]);
  }),
);

const METHODS = {
  0: "METHOD_UNSPECIFIED",
  1: "GET",
  2: "HEAD",
  3: "POST",
  4: "PUT",
  5: "DELETE",
  6: "CONNECT",
  7: "OPTIONS",
  8: "TRACE",
  9: "PATCH",
} as const;

const httpCheck = message(
  { path: headerValue.min(1, "must not be empty").meta({ type: "string" }) },
  {
    host: headerValue,
    request_headers_to_add: headersToAdd,
    request_headers_to_remove: z.array(headerName),
    expected_statuses: z.array(statusRange),
    retriable_statuses: z.array(statusRange),
    codec_client_type: enumeration({ 0: "HTTP1", 1: "HTTP2", 2: "HTTP3" }, ["HTTP1", "HTTP2"]),
    service_name_matcher: stringMatcher,
    method: enumeration(METHODS, [
      "METHOD_UNSPECIFIED",
      "GET",
      "HEAD",
      "POST",
      "PUT",
      "DELETE",
      "OPTIONS",
      "TRACE",
      "PATCH",
    ]),
    receive: z.array(payload),
    response_buffer_size: u32,
  },
);

const tcpCheck = message({}, { send: payload, receive: z.array(payload) });

const grpcCheck = message({}, { service_name: text, authority: headerValue, initial_metadata: headersToAdd });

const FILE_SINK = "envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink";
const eventSink = message(
  { name: requiredText, typed_config: typed(FILE_SINK, { event_log_path: requiredText }, {}) },
  {},
);

const PROBES = { http_health_check: httpCheck, tcp_health_check: tcpCheck, grpc_health_check: grpcCheck };

/** `HealthCheck`: hosts are asked by the proxy itself how they are. */
const healthCheck = message(
  { timeout: time, interval: time, unhealthy_threshold: u32, healthy_threshold: u32 },
  {
    initial_jitter: duration,
    interval_jitter: duration,
    interval_jitter_percent: u32,
    reuse_connection: bool,
    ...PROBES,
    no_traffic_interval: time,
    no_traffic_healthy_interval: time,
    unhealthy_interval: time,
    unhealthy_edge_interval: time,
    healthy_edge_interval: time,
    event_log_path: text,
    event_logger: z.array(eventSink),
    always_log_health_check_failures: bool,
    always_log_health_check_success: bool,
  },
).check(oneOf(Object.keys(PROBES), "required"));

export const healthChecks = z.array(healthCheck).max(1, "the node engine runs one health check a cluster");

/** `Endpoint.HealthCheckConfig` */
export const endpointCheck = message(
  {},
  { port_value: port, hostname: headerValue, disable_active_health_check: bool },
);

export type RawHealthCheck = z.output<typeof healthCheck>;
export type RawEndpointCheck = z.output<typeof endpointCheck>;
export type RawPayload = z.output<typeof payload>;
