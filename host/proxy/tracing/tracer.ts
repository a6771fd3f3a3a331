import type { HeaderMap } from "../../stores/header-map";
import type { Span, SpanKind } from "./span";

/** What a request's first span is made of. */
export interface SpanStart {
  headers: HeaderMap;
  /** Of the operation, as Envoy calls it: the name of the host, or where the request goes. */
  host: string;
  /** To services of others. */
  outgoing: boolean;
  kind: SpanKind;
  /** What this proxy thinks of it, if the request does not say. */
  traced: boolean;
  /** Microseconds since 1970. */
  start: number;
}

/** A way of tracing: how spans hang together, how the next hop is told, and where they go. */
export interface Tracer {
  /** Undefined: what the request says of its trace makes no sense. */
  begin(start: SpanStart): Span | undefined;
  child(of: Span, name: string, start: number): Span;
  /** Tells the next hop. */
  inject(span: Span, headers: HeaderMap): void;
  /** It is over. Nobody waits for what becomes of it. */
  finish(span: Span): void;
  /** Sends what there is. */
  flush(): void;
  close(): void;
}
