import { encodeTraces } from "../../stores/protobuf/traces";
import type { Span } from "./span";

const KINDS = { SERVER: 2, CLIENT: 3 } as const;
const ERROR = 2;
/** Bits of `flags` above the trace's own: whether the parent is another program's, and that this is known. */
const PARENT_KNOWN = 0x100;
const PARENT_REMOTE = 0x200;

const attribute = ([key, value]: readonly [string, string]) => ({ key, value: { stringValue: value } });

export interface Library {
  name: string;
  version: string;
}

/** An `ExportTraceServiceRequest`. */
export function encodeSpans(
  spans: readonly Span[],
  resource: readonly (readonly [string, string])[],
  library: Library,
): Buffer {
  return encodeTraces({
    resourceSpans: [
      {
        resource: { attributes: resource.map(attribute) },
        scopeSpans: [{ scope: library, spans: spans.map(message) }],
      },
    ],
  });
}

function message({ context, kind, name, start, end, tags, more }: Span): object {
  const { traceId, spanId, parentId, sampled } = context;
  return {
    traceId: Buffer.from(traceId, "hex"),
    spanId: Buffer.from(spanId, "hex"),
    traceState: more.state ?? "",
    parentSpanId: Buffer.from(parentId ?? "", "hex"),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: BigInt(start) * 1000n,
    endTimeUnixNano: BigInt(end) * 1000n,
    attributes: [...tags].map(attribute),
    ...(tags.get("error") === "true" && { status: { code: ERROR } }),
    flags: PARENT_KNOWN | (more.remoteParent ? PARENT_REMOTE : 0) | Number(sampled),
  };
}
