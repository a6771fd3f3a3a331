import * as z from "zod";
import { message, oneOf, typed } from "./message";
import { bool, duration, enumeration, headerName, requiredText, text, u32 } from "./scalars";

/** `type.v3.Percent`. */
const percent = message(
  {},
  {
    value: z
      .number()
      .min(0, "must be from 0 to 100")
      .max(100, "must be from 0 to 100")
      .meta({ type: "double" }),
  },
);

const nothing = message({}, {});

const customTag = message(
  { tag: requiredText },
  {
    literal: message({ value: requiredText }, {}),
    environment: message({ name: requiredText }, { default_value: text }),
    request_header: message({ name: headerName }, { default_value: text }),
    metadata: message(
      {
        kind: message({}, { request: nothing, route: nothing, cluster: nothing, host: nothing }).check(
          oneOf(["request", "route", "cluster", "host"], "required"),
        ),
        metadata_key: message(
          {
            key: requiredText,
            path: z.array(message({ key: requiredText }, {})).min(1, "must not be empty"),
          },
          {},
        ),
      },
      { default_value: text },
    ),
  },
).check(oneOf(["literal", "environment", "request_header", "metadata"], "required"));

const zipkin = typed(
  "envoy.config.trace.v3.ZipkinConfig",
  {
    collector_cluster: requiredText,
    collector_endpoint: requiredText,
    collector_endpoint_version: enumeration({ 1: "HTTP_JSON", 2: "HTTP_PROTO", 3: "GRPC" }, ["HTTP_JSON"]),
  },
  {
    trace_id_128bit: bool,
    shared_span_context: bool,
    collector_hostname: text,
    trace_context_option: enumeration({ 0: "USE_B3", 1: "USE_B3_WITH_W3C_PROPAGATION" }),
  },
);

const openTelemetry = typed(
  "envoy.config.trace.v3.OpenTelemetryConfig",
  {
    http_service: message(
      { http_uri: message({ uri: requiredText, cluster: requiredText, timeout: duration }, {}) },
      {},
    ),
  },
  { service_name: text },
);

const sampling = { client_sampling: percent, random_sampling: percent, overall_sampling: percent };

/** `HttpConnectionManager.Tracing`. */
export const tracing = message(
  {},
  {
    ...sampling,
    verbose: bool,
    max_path_tag_length: u32,
    custom_tags: z.array(customTag),
    spawn_upstream_span: bool,
    provider: message(
      { name: requiredText, typed_config: z.discriminatedUnion("@type", [zipkin, openTelemetry]) },
      {},
    ),
  },
);

/** `Decorator` of a route. */
export const decorator = message({ operation: requiredText }, { propagate: bool });

export type RawTracing = z.output<typeof tracing>;
export type RawDecorator = z.output<typeof decorator>;
