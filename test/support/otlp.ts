import { fromBinary, toJson } from "@bufbuild/protobuf";
import { tracesData } from "../../host/stores/protobuf/traces";

/** A span as a collector of OpenTelemetry gets it. */
export interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  start: bigint;
  end: bigint;
  name: string;
  kind: number;
  flags: number;
  traceState: string;
  status: { message?: string; code?: number };
  attributes: Record<string, string>;
  resource: Record<string, string>;
}

type Attribute = { key: string; value?: { stringValue?: string } };
const attributes = (list: Attribute[] = []) =>
  Object.fromEntries(list.map(({ key, value }) => [key, value?.stringValue ?? ""]));
const hex = (base64 = "") => Buffer.from(base64, "base64").toString("hex");

/** The spans of an ExportTraceServiceRequest. */
export function decodeTraces(body: Uint8Array): OtlpSpan[] {
  const data = toJson(tracesData, fromBinary(tracesData, body)) as never as {
    resourceSpans: {
      resource: { attributes: Attribute[] };
      scopeSpans: { spans: Record<string, never>[] }[];
    }[];
  };
  return data.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        start: BigInt(span.startTimeUnixNano ?? 0),
        end: BigInt(span.endTimeUnixNano ?? 0),
        name: span.name ?? "",
        kind: span.kind ?? 0,
        flags: span.flags ?? 0,
        traceState: span.traceState ?? "",
        status: span.status ?? {},
        attributes: attributes(span.attributes),
        resource: Object.fromEntries(
          Object.entries(attributes(resource.attributes)).filter(([name]) => name === "service.name"),
        ),
      })),
    ),
  );
}
