import type { TracingProvider } from "../../config/model";
import type { HttpCaller } from "../../context/http-caller";
import type { HeaderMap } from "../../stores/header-map";
import type { StatsStore } from "../stats/store";
import { readB3, writeB3 } from "./b3";
import { Batch, type Outcome } from "./batch";
import { newId } from "./ids";
import { Span, type SpanContext } from "./span";
import type { SpanStart, Tracer } from "./tracer";
import { readTraceParent, writeTraceParent } from "./w3c";

type Config = Extract<TracingProvider, { kind: "zipkin" }>;

/** Envoy's `tracing.zipkin.request_timeout`. */
const TIMEOUT_MS = 5000;

/** What an outcome of a batch counts as. */
const COUNTED: Readonly<Record<Outcome, string>> = {
  sent: "reports_sent",
  failed: "reports_failed",
  dropped: "reports_dropped",
  "no cluster": "reports_skipped_no_cluster",
};

/** Where this proxy is, in its spans. */
export interface Endpoint {
  serviceName: string;
  ipv4: string;
}

/** B3 and Zipkin's v2 JSON (https://zipkin.io/zipkin-api/). */
export class Zipkin implements Tracer {
  private readonly batch: Batch;

  constructor(
    private readonly config: Config,
    private readonly endpoint: Endpoint,
    caller: HttpCaller,
    store: StatsStore,
  ) {
    const counter = (name: string) => store.counter(`tracing.zipkin.${name}`);
    const outcomes = new Map(Object.entries(COUNTED).map(([outcome, name]) => [outcome, counter(name)]));
    const [sent, flushed] = [counter("spans_sent"), counter("timer_flushed")];
    const { cluster, path, hostname } = config;
    const target = { cluster, path, host: hostname, contentType: "application/json", timeoutMs: TIMEOUT_MS };
    this.batch = new Batch(
      caller,
      { ...target, encode: (spans) => Buffer.from(JSON.stringify(spans.map((span) => this.json(span)))) },
      {
        leaving: (spans) => sent.add(spans),
        timer: () => flushed.inc(),
        outcome: (outcome) => outcomes.get(outcome)!.inc(),
      },
    );
  }

  begin({ headers, host, kind, traced, start }: SpanStart): Span | undefined {
    const { sharedSpans, longTraceId } = this.config;
    const incoming = readB3(headers);
    if (!incoming) return undefined;
    const { single } = incoming;
    const w3c = this.config.w3c && !incoming.context ? readTraceParent(headers) : undefined;
    if (w3c === "bad") return undefined;
    const before = incoming.context ?? (w3c && { ...w3c, parentId: undefined });
    const sampled = incoming.sampled ?? w3c?.sampled ?? traced;
    const shared = kind === "SERVER" && sharedSpans;
    if (!before) {
      const spanId = newId(8);
      const traceId = longTraceId ? newId(8) + spanId : spanId;
      return new Span({ traceId, spanId, parentId: undefined, sampled }, kind, host, start, {
        shared,
        single,
      });
    }
    const context = shared
      ? { ...before, sampled }
      : { traceId: before.traceId, spanId: newId(8), parentId: before.spanId, sampled };
    return new Span(context, kind, host, start, { shared, single });
  }

  child({ context, more }: Span, name: string, start: number): Span {
    const own: SpanContext = { ...context, spanId: newId(8), parentId: context.spanId };
    return new Span(own, "CLIENT", name, start, { single: more.single ?? false });
  }

  inject({ context, more }: Span, headers: HeaderMap): void {
    writeB3(context, more.single ?? false, headers);
    if (this.config.w3c) writeTraceParent(context, headers);
  }

  finish(span: Span): void {
    if (!span.context.sampled) return;
    span.annotations.push({ timestamp: span.end, value: span.kind === "SERVER" ? "ss" : "cr" });
    this.batch.add(span);
  }

  private json({ context, kind, name, start, end, more, annotations, tags }: Span): object {
    return {
      traceId: context.traceId,
      id: context.spanId,
      ...(context.parentId !== undefined && { parentId: context.parentId }),
      name,
      kind,
      timestamp: start,
      duration: end - start,
      ...(more.shared && { shared: true }),
      localEndpoint: { ...this.endpoint, port: 0 },
      annotations,
      tags: Object.fromEntries(tags),
    };
  }

  flush(): void {
    this.batch.flush();
  }

  close(): void {
    this.batch.close();
  }
}
