import type { TracingProvider } from "../../config/model";
import type { HttpCaller } from "../../context/http-caller";
import type { HeaderMap } from "../../stores/header-map";
import type { StatsStore } from "../stats/store";
import { put } from "./b3";
import { Batch } from "./batch";
import { newId } from "./ids";
import { encodeSpans, type Library } from "./otlp";
import { Span } from "./span";
import type { SpanStart, Tracer } from "./tracer";
import { readTraceParent, writeTraceParent } from "./w3c";

type Config = Extract<TracingProvider, { kind: "opentelemetry" }>;

/** W3C trace context and OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/). */
export class OpenTelemetry implements Tracer {
  private readonly batch: Batch;

  constructor(config: Config, library: Library, caller: HttpCaller, store: StatsStore) {
    const counter = (name: string) => store.counter(`tracing.opentelemetry.${name}`);
    const [sent, dropped, flushed] = [
      counter("spans_sent"),
      counter("spans_dropped"),
      counter("timer_flushed"),
    ];
    const { cluster, uri, timeoutMs, serviceName } = config;
    const resource = [
      ["telemetry.sdk.language", "javascript"],
      ["telemetry.sdk.name", library.name],
      ["telemetry.sdk.version", library.version],
      ["service.name", serviceName],
    ] as const;
    const target = {
      cluster,
      ...addressOf(uri),
      contentType: "application/x-protobuf",
      headers: [["user-agent", `OTel-OTLP-Exporter-Envoy/${library.version}`]] as const,
      timeoutMs,
      encode: (spans: readonly Span[]) => encodeSpans(spans, resource, library),
    };
    this.batch = new Batch(caller, target, {
      leaving: (spans) => sent.add(spans),
      timer: () => flushed.inc(),
      outcome: (outcome, spans) => {
        if (outcome === "no cluster") dropped.add(spans);
      },
    });
  }

  begin({ headers, host, outgoing, kind, traced, start }: SpanStart): Span | undefined {
    const before = readTraceParent(headers);
    if (before === "bad") return undefined;
    const name = outgoing ? `egress ${host}` : "ingress";
    const context = {
      traceId: before?.traceId ?? newId(16),
      spanId: newId(8),
      parentId: before?.spanId,
      sampled: before?.sampled ?? traced,
    };
    const state = before ? (headers.get("tracestate") ?? "") : "";
    return new Span(context, kind, name, start, { state, remoteParent: before !== undefined });
  }

  child({ context, more }: Span, name: string, start: number): Span {
    const own = { ...context, spanId: newId(8), parentId: context.spanId };
    return new Span(own, "CLIENT", name, start, { state: more.state ?? "" });
  }

  inject({ context, more }: Span, headers: HeaderMap): void {
    writeTraceParent(context, headers);
    put(headers, "tracestate", more.state ?? "");
  }

  finish(span: Span): void {
    if (!span.context.sampled) return;
    this.batch.add(span);
  }

  flush(): void {
    this.batch.flush();
  }

  close(): void {
    this.batch.close();
  }
}

/** Authority and path of `http://host:port/path`. */
function addressOf(uri: string): { host: string; path: string } {
  const [, host = "", path = "/"] = /^(?:\w+:\/\/)?([^/]*)(\/.*)?$/.exec(uri) ?? [];
  return { host, path };
}
