/** Where a span stands in its trace. Ids are lower-case hexadecimal. */
export interface SpanContext {
  /** 16 or 32 digits. */
  readonly traceId: string;
  /** 16 digits. */
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly sampled: boolean;
}

export type SpanKind = "SERVER" | "CLIENT";

export interface SpanMore {
  /** B3: the other side writes the same span. */
  readonly shared?: boolean;
  /** B3: the next hop is told in one header. */
  readonly single?: boolean;
  /** W3C: `tracestate` as it came. */
  readonly state?: string;
  /** W3C: the parent is another program's. */
  readonly remoteParent?: boolean;
}

/** A stretch of work on a request. Times are microseconds since 1970. */
export class Span {
  readonly tags = new Map<string, string>();
  readonly annotations: { timestamp: number; value: string }[] = [];
  end = 0;

  constructor(
    readonly context: SpanContext,
    readonly kind: SpanKind,
    public name: string,
    readonly start: number,
    readonly more: SpanMore = {},
  ) {}
}
