import type { HeaderMap } from "../../stores/header-map";
import { put } from "./b3";
import type { SpanContext } from "./span";

const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/i;
const ZERO = /^0+$/;

/** `traceparent` (https://www.w3.org/TR/trace-context/): undefined = there is none, "bad" = it makes no sense. */
export function readTraceParent(headers: HeaderMap): Omit<SpanContext, "parentId"> | "bad" | undefined {
  const text = headers.get("traceparent");
  if (text === undefined) return undefined;
  const match = TRACE_PARENT.exec(text);
  if (!match) return "bad";
  const [, , traceId, spanId, flags] = match;
  if (ZERO.test(traceId!) || ZERO.test(spanId!)) return "bad";
  const sampled = (Number.parseInt(flags!, 16) & 1) !== 0;
  return { traceId: traceId!.toLowerCase(), spanId: spanId!.toLowerCase(), sampled };
}

export function writeTraceParent({ traceId, spanId, sampled }: SpanContext, headers: HeaderMap): void {
  put(headers, "traceparent", `00-${traceId.padStart(32, "0")}-${spanId}-${sampled ? "01" : "00"}`);
}
