import type { RouteDecorator, TracingConfig } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import type { StreamInfo } from "../../stores/stream-info";
import type { Span } from "./span";
import { annotateTimes, tagAttempt, tagOutcome, tagRequest } from "./tags";
import type { Tracer } from "./tracer";

const OPERATION = "x-envoy-decorator-operation";

/** How an attempt at a host ended; without a status and a reason it was given up. */
export interface AttemptEnd {
  status?: number | undefined;
  flags?: number;
  reset?: string;
}

/** The spans of one request. */
export class StreamTrace {
  private attempt: Span | undefined;
  private attempts = 0;
  private over = false;

  constructor(
    private readonly tracer: Tracer,
    private readonly span: Span,
    private readonly config: TracingConfig,
    private readonly route: { outgoing: boolean; decorator: RouteDecorator | undefined },
  ) {}

  get traceId(): string {
    return this.span.context.traceId;
  }

  get spanId(): string {
    return this.span.context.spanId;
  }

  /** The request comes in: who sends it may name what is done. Who is sent it is told. */
  decorate(headers: HeaderMap): void {
    const { span } = this;
    const { decorator, outgoing } = this.route;
    if (decorator) span.name = decorator.operation;
    if (outgoing) {
      if (decorator?.propagate) headers.set(OPERATION, decorator.operation);
      return;
    }
    const named = headers.get(OPERATION);
    if (named) span.name = named;
    headers.remove(OPERATION);
  }

  /** The response goes out: whoever has named what was done is believed, and the other side is told. */
  answer(headers: HeaderMap): void {
    const { span } = this;
    const { decorator, outgoing } = this.route;
    const named = headers.get(OPERATION);
    if (!outgoing) {
      if (decorator?.propagate && span.name === decorator.operation)
        headers.set(OPERATION, decorator.operation);
      return;
    }
    if (named) span.name = named;
    headers.remove(OPERATION);
  }

  /** An attempt at a host begins: it is told where it stands. */
  beginAttempt(cluster: string, headers: HeaderMap, now: number): void {
    const { tracer, span } = this;
    if (this.config.spawnUpstreamSpan) {
      this.attempt = tracer.child(span, `router ${cluster} egress`, now);
      if (this.attempts > 0) this.attempt.tags.set("retry.count", String(this.attempts));
    }
    this.attempts++;
    tracer.inject(this.attempt ?? span, headers);
  }

  endAttempt(info: StreamInfo, now: number, { status = 0, flags = 0, reset }: AttemptEnd = {}): void {
    const { attempt } = this;
    if (!attempt) return;
    this.attempt = undefined;
    tagAttempt(attempt, info, info.upstream.protocol ?? "HTTP/1.1");
    tagOutcome(attempt, info, status, flags);
    // Whom nobody waits for any longer.
    if (status === 0 && reset === undefined) attempt.tags.set("canceled", "true");
    if (reset !== undefined) attempt.tags.set("error.reason", reset);
    attempt.end = now;
    this.tracer.finish(attempt);
  }

  end(info: StreamInfo, now: number): void {
    if (this.over) return;
    this.over = true;
    const { span, config } = this;
    this.endAttempt(info, now);
    tagRequest(span, info, config);
    if (config.verbose && info.times) annotateTimes(span, info.times);
    span.end = now;
    this.tracer.finish(span);
  }
}
