import type { HttpCaller } from "../../context/http-caller";
import { HeaderMap } from "../../stores/header-map";
import type { Span } from "./span";

/** Envoy's runtime values `tracing.*.min_flush_spans`, `flush_interval_ms`. */
const BATCH = 5;
const INTERVAL_MS = 5000;
/** Batches on their way to a collector that does not answer; more are dropped. */
const MAX_UNDER_WAY = 100;

export type Outcome = "sent" | "failed" | "dropped" | "no cluster";

export interface BatchTarget {
  cluster: string;
  path: string;
  host: string;
  contentType: string;
  timeoutMs: number;
  headers?: readonly (readonly [string, string])[];
  encode(spans: readonly Span[]): Buffer;
}

/** What becomes of batches. */
export interface BatchReport {
  leaving(spans: number): void;
  /** The interval is over. */
  timer(): void;
  outcome(outcome: Outcome, spans: number): void;
}

/** Spans on their way to a collector, several at a time. Traffic never waits for them. */
export class Batch {
  private spans: Span[] = [];
  private timer: NodeJS.Timeout | undefined;
  private underWay = 0;

  constructor(
    private readonly caller: HttpCaller,
    private readonly target: BatchTarget,
    private readonly report: BatchReport,
  ) {}

  add(span: Span): void {
    this.spans.push(span);
    if (this.spans.length >= BATCH) this.flush();
    this.timer ??= setInterval(() => {
      this.report.timer();
      this.flush();
    }, INTERVAL_MS).unref();
  }

  flush(): void {
    const { caller, target, spans } = this;
    if (spans.length === 0) return;
    this.spans = [];
    this.report.leaving(spans.length);
    const done = (outcome: Outcome) => this.report.outcome(outcome, spans.length);
    if (!caller.hasCluster(target.cluster)) return done("no cluster");
    if (this.underWay >= MAX_UNDER_WAY) return done("dropped");
    const headers = HeaderMap.of("request", [
      [":method", "POST"],
      [":path", target.path],
      [":scheme", "http"],
      [":authority", target.host],
      ["content-type", target.contentType],
      ...(target.headers ?? []),
    ]);
    this.underWay++;
    const request = { headers, body: target.encode(spans), trailers: undefined, timeoutMs: target.timeoutMs };
    const call = caller.call(target.cluster, request, (response) => {
      this.underWay--;
      const status = response?.headers.get(":status");
      done(response === undefined ? "failed" : status === "202" ? "sent" : "dropped");
    });
    if (call) return;
    // As a host that cannot be reached, which answers 503.
    this.underWay--;
    done("dropped");
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
