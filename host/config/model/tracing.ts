/** `HttpConnectionManager.Tracing` */
export interface TracingConfig {
  /** Requests of ten thousand that are traced because their client asks, by chance, and at most. */
  clientSampling: number;
  randomSampling: number;
  overallSampling: number;
  /** Spans tell when which byte was on its way. */
  verbose: boolean;
  /** Characters of a path in a span. */
  maxPathLength: number;
  customTags: CustomTag[];
  /** An attempt at a host is a span of its own. */
  spawnUpstreamSpan: boolean;
  provider: TracingProvider | undefined;
}

export interface CustomTag {
  name: string;
  /** `name` of a variable or header, or the value itself. */
  from:
    | { kind: "literal"; value: string }
    | { kind: "environment"; name: string }
    | { kind: "header"; name: string }
    | { kind: "metadata"; of: "request" | "route" | "cluster" | "host"; key: string; path: string[] };
  /** Undefined: no tag without a value. */
  fallback: string | undefined;
}

export type TracingProvider =
  | {
      kind: "zipkin";
      cluster: string;
      path: string;
      /** `host` of the requests to the collector. */
      hostname: string;
      longTraceId: boolean;
      /** The server's span is the client's. */
      sharedSpans: boolean;
      w3c: boolean;
    }
  | { kind: "opentelemetry"; cluster: string; uri: string; timeoutMs: number; serviceName: string };

/** What a route's spans are called. */
export interface RouteDecorator {
  operation: string;
  /** The other side is told. */
  propagate: boolean;
}
