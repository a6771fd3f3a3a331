import type { Http2Config } from "../model";
import type { EndpointCheckConfig, HealthCheckConfig } from "../model/health-check";
import type { RawEndpointCheck, RawHealthCheck, RawPayload } from "../schema/health-check";
import { durationMs } from "../schema/scalars";
import { convertHttp2 } from "./http2";
import { mutation } from "./route";
import { stringForm } from "./strings";

const DEFAULT_NO_TRAFFIC_MS = 60_000;
const DEFAULT_BODY_LIMIT = 1024;

const wholeMs = (text: string | undefined, fallback: number) =>
  text === undefined ? fallback : Math.floor(durationMs(text));

function payload({ text, binary }: RawPayload): Buffer {
  return text === undefined ? Buffer.from(binary ?? "", "base64") : Buffer.from(text, "hex");
}

/** @param http2 the cluster's own, if it speaks HTTP/2 */
export function convertHealthCheck(raw: RawHealthCheck, http2: Http2Config | undefined): HealthCheckConfig {
  const healthy = wholeMs(raw.interval, 0);
  const unhealthy = wholeMs(raw.unhealthy_interval, healthy);
  const noTraffic = wholeMs(raw.no_traffic_interval, DEFAULT_NO_TRAFFIC_MS);
  const sinks = (raw.event_logger ?? []).map(({ typed_config: sink }) => sink.event_log_path);
  return {
    probe: convertProbe(raw, http2),
    timeoutMs: wholeMs(raw.timeout, 0),
    intervals: {
      healthy,
      healthyEdge: wholeMs(raw.healthy_edge_interval, healthy),
      unhealthy,
      unhealthyEdge: wholeMs(raw.unhealthy_edge_interval, unhealthy),
      noTraffic,
      noTrafficHealthy: wholeMs(raw.no_traffic_healthy_interval, noTraffic),
    },
    initialJitterMs: wholeMs(raw.initial_jitter, 0),
    jitterMs: wholeMs(raw.interval_jitter, 0),
    jitterPercent: raw.interval_jitter_percent ?? 0,
    unhealthyThreshold: raw.unhealthy_threshold,
    healthyThreshold: raw.healthy_threshold,
    reuseConnection: raw.reuse_connection ?? true,
    events: {
      files: raw.event_log_path ? [raw.event_log_path, ...sinks] : sinks,
      alwaysFailures: raw.always_log_health_check_failures ?? false,
      alwaysSuccess: raw.always_log_health_check_success ?? false,
    },
  };
}

function convertProbe(raw: RawHealthCheck, http2: Http2Config | undefined): HealthCheckConfig["probe"] {
  const { http_health_check: http, tcp_health_check: tcp, grpc_health_check: grpc } = raw;
  if (http) {
    const { method = "GET" } = http;
    return {
      kind: "http",
      http2: http.codec_client_type === "HTTP2" ? (http2 ?? convertHttp2({})) : undefined,
      method: method === "METHOD_UNSPECIFIED" ? "GET" : method,
      path: http.path,
      host: http.host ?? "",
      mutation: mutation(http.request_headers_to_add, http.request_headers_to_remove),
      expected: http.expected_statuses?.length ? http.expected_statuses : [{ start: 200, end: 201 }],
      retriable: http.retriable_statuses ?? [],
      serviceName: http.service_name_matcher && stringForm(http.service_name_matcher),
      receive: (http.receive ?? []).map(payload),
      bodyLimit: http.response_buffer_size ?? DEFAULT_BODY_LIMIT,
    };
  }
  if (tcp) {
    return {
      kind: "tcp",
      // Envoy reads only the hexadecimal form here.
      send: tcp.send?.text ? payload(tcp.send) : Buffer.alloc(0),
      receive: (tcp.receive ?? []).map(payload),
    };
  }
  return {
    kind: "grpc",
    http2,
    serviceName: grpc?.service_name ?? "",
    authority: grpc?.authority ?? "",
    metadata: mutation(grpc?.initial_metadata, undefined),
  };
}

export function convertEndpointCheck(raw: RawEndpointCheck | undefined): EndpointCheckConfig {
  return {
    port: raw?.port_value ?? 0,
    hostname: raw?.hostname ?? "",
    disabled: raw?.disable_active_health_check ?? false,
  };
}
