import type { CustomTag, RouteDecorator, TracingConfig, TracingProvider } from "../model";
import { durationMs } from "../schema/scalars";
import type { RawDecorator, RawTracing } from "../schema/tracing";

const ALL = 10_000;
const MAX_PATH = 256;

/** Requests of ten thousand. */
function share(percent: { value?: number | undefined } | undefined): number {
  return percent ? Math.floor((percent.value ?? 0) * 100) : ALL;
}

export function convertTracing(raw: RawTracing): TracingConfig {
  return {
    clientSampling: share(raw.client_sampling),
    randomSampling: share(raw.random_sampling),
    overallSampling: share(raw.overall_sampling),
    verbose: raw.verbose ?? false,
    maxPathLength: raw.max_path_tag_length ?? MAX_PATH,
    customTags: (raw.custom_tags ?? []).map(convertTag),
    spawnUpstreamSpan: raw.spawn_upstream_span ?? false,
    provider: raw.provider && convertProvider(raw.provider.typed_config),
  };
}

function convertProvider(raw: NonNullable<RawTracing["provider"]>["typed_config"]): TracingProvider {
  if ("http_service" in raw) {
    const { uri, cluster, timeout } = raw.http_service.http_uri;
    const serviceName = raw.service_name || "unknown_service:envoy";
    return { kind: "opentelemetry", cluster, uri, timeoutMs: durationMs(timeout), serviceName };
  }
  return {
    kind: "zipkin",
    cluster: raw.collector_cluster,
    path: raw.collector_endpoint,
    hostname: raw.collector_hostname || raw.collector_cluster,
    longTraceId: raw.trace_id_128bit ?? false,
    sharedSpans: raw.shared_span_context ?? true,
    w3c: raw.trace_context_option === "USE_B3_WITH_W3C_PROPAGATION",
  };
}

type RawTag = NonNullable<RawTracing["custom_tags"]>[number];

function convertTag(raw: RawTag): CustomTag {
  const { tag: name, literal, environment, request_header: header, metadata } = raw;
  if (literal) return { name, from: { kind: "literal", value: literal.value }, fallback: undefined };
  if (environment)
    return {
      name,
      from: { kind: "environment", name: environment.name },
      fallback: environment.default_value,
    };
  if (header)
    return {
      name,
      from: { kind: "header", name: header.name.toLowerCase() },
      fallback: header.default_value,
    };
  const { kind, metadata_key: key, default_value: fallback } = metadata!;
  const of = (["request", "route", "cluster", "host"] as const).find((each) => kind[each])!;
  return {
    name,
    from: { kind: "metadata", of, key: key.key, path: key.path.map((part) => part.key) },
    fallback,
  };
}

export function convertDecorator(raw: RawDecorator): RouteDecorator {
  return { operation: raw.operation, propagate: raw.propagate ?? true };
}
