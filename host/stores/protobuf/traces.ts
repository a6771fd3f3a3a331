import { create, toBinary } from "@bufbuild/protobuf";
import { defineMessages } from "./define";

/** https://github.com/open-telemetry/opentelemetry-proto, as far as spans of proxies use it. */
const { TracesData: tracesData } = defineMessages("opentelemetry.proto.trace.v1", {
  TracesData: { resource_spans: [1, "ResourceSpans[]"] },
  ResourceSpans: { resource: [1, "Resource"], scope_spans: [2, "ScopeSpans[]"] },
  Resource: { attributes: [1, "KeyValue[]"] },
  KeyValue: { key: [1, "string"], value: [2, "AnyValue"] },
  AnyValue: { string_value: [1, "string"] },
  ScopeSpans: { scope: [1, "Scope"], spans: [2, "Span[]"] },
  Scope: { name: [1, "string"], version: [2, "string"] },
  Span: {
    trace_id: [1, "bytes"],
    span_id: [2, "bytes"],
    trace_state: [3, "string"],
    parent_span_id: [4, "bytes"],
    name: [5, "string"],
    kind: [6, "int32"],
    start_time_unix_nano: [7, "fixed64"],
    end_time_unix_nano: [8, "fixed64"],
    attributes: [9, "KeyValue[]"],
    status: [15, "Status"],
    flags: [16, "fixed32"],
  },
  Status: { message: [2, "string"], code: [3, "int32"] },
});

export { tracesData };

/** An `ExportTraceServiceRequest`, its fields in camelCase. */
export function encodeTraces(data: object): Buffer {
  return Buffer.from(toBinary(tracesData, create(tracesData, data as never)));
}
