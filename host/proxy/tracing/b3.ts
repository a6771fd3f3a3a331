import type { HeaderMap } from "../../stores/header-map";
import type { SpanContext } from "./span";

/** What a request says of the trace it belongs to. */
export interface Incoming {
  /** Undefined: it does not say where it stands. */
  context: Omit<SpanContext, "sampled"> | undefined;
  /** Undefined: it leaves the decision to us. */
  sampled: boolean | undefined;
  /** In one header, or in several. */
  single: boolean;
}

const ID = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i;
const SINGLE = /^([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(?:-([01d])(?:-([0-9a-f]{16}))?)?$/i;
const FLAGS: Readonly<Record<string, boolean>> = { "0": false, "1": true, d: true };

/**
 * Reads `b3` or `x-b3-*` (https://github.com/openzipkin/b3-propagation); undefined when they make no sense: such a request is
 * not traced.
 */
export function readB3(headers: HeaderMap): Incoming | undefined {
  const b3 = headers.get("b3");
  return b3 === undefined ? readMulti(headers) : readSingle(b3);
}

function readSingle(text: string): Incoming | undefined {
  if (Object.hasOwn(FLAGS, text)) return { context: undefined, sampled: FLAGS[text], single: true };
  const match = SINGLE.exec(text);
  if (!match) return undefined;
  const [, traceId, spanId, flag, parentId] = match;
  const context = {
    traceId: traceId!.toLowerCase(),
    spanId: spanId!.toLowerCase(),
    parentId: parentId?.toLowerCase(),
  };
  return { context, sampled: flag === undefined ? undefined : FLAGS[flag], single: true };
}

function readMulti(headers: HeaderMap): Incoming | undefined {
  const sampled = readSampled(headers);
  const [traceId, spanId] = [headers.get("x-b3-traceid"), headers.get("x-b3-spanid")];
  if (traceId === undefined || spanId === undefined) return { context: undefined, sampled, single: false };
  const parentId = headers.get("x-b3-parentspanid");
  if (!ID.test(traceId) || !isSpanId(spanId) || (parentId && !isSpanId(parentId))) return undefined;
  const context = {
    traceId: traceId.toLowerCase(),
    spanId: spanId.toLowerCase(),
    parentId: parentId ? parentId.toLowerCase() : undefined,
  };
  return { context, sampled, single: false };
}

function isSpanId(text: string): boolean {
  return text.length === 16 && ID.test(text);
}

function readSampled(headers: HeaderMap): boolean | undefined {
  const sampled = headers.get("x-b3-sampled");
  // Envoy passes `x-b3-flags` on, and does not look at it.
  return sampled === undefined ? undefined : sampled === "1" || sampled === "true";
}

/** Tells the next hop, behind all other headers as Envoy does. */
export function writeB3(
  { traceId, spanId, parentId, sampled }: SpanContext,
  single: boolean,
  headers: HeaderMap,
): void {
  const flag = sampled ? "1" : "0";
  if (single) {
    put(headers, "b3", [traceId, spanId, flag, ...(parentId === undefined ? [] : [parentId])].join("-"));
    return;
  }
  put(headers, "x-b3-traceid", traceId);
  put(headers, "x-b3-spanid", spanId);
  if (parentId !== undefined) put(headers, "x-b3-parentspanid", parentId);
  put(headers, "x-b3-sampled", flag);
}

/** Sets a header at the end of all. */
export function put(headers: HeaderMap, name: string, value: string): void {
  headers.remove(name);
  headers.append(name, value);
}
