import type { ManagerTimeouts, MaxStreamDuration } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";
import { isGrpc } from "../../stream/local-reply";
import { Deadlines } from "../deadlines";
import { grpcTimeout, readGrpcTimeout } from "../grpc-timeout";
import type { Route } from "../router/route";

/** What a stream is told of its limits. */
export interface StreamTimerEvents {
  /** Neither side has moved for long. */
  onIdleTimeout(): void;
  /** The request is not complete yet. */
  onRequestTimeout(): void;
  onMaxDuration(): void;
  onBug(error: unknown): void;
}

const IDLE = 0;
const REQUEST = 1;
const DURATION = 2;

/** The time limits of one stream: those of the connection manager, until its route says otherwise. */
export class StreamTimers extends Deadlines {
  /** When its first byte came. */
  private readonly started: number;
  private idleMs: number;
  private route: Route | undefined;
  private limited: boolean;

  constructor(
    private readonly limits: ManagerTimeouts,
    private readonly events: StreamTimerEvents,
    headMs = 0,
  ) {
    super(3);
    this.started = performance.now() - headMs;
    const { streamIdleMs, requestMs, maxStreamMs } = limits;
    this.idleMs = streamIdleMs;
    this.limited = maxStreamMs > 0;
    if (streamIdleMs > 0) this.set(IDLE, streamIdleMs);
    if (requestMs > 0) this.set(REQUEST, Math.max(0, requestMs - headMs));
    if (maxStreamMs > 0) this.set(DURATION, Math.max(0, maxStreamMs - headMs));
  }

  /** How long it may be silent; 0 = for ever. */
  get silenceMs(): number {
    return this.idleMs;
  }

  /** One side has moved. */
  touch(): void {
    if (this.idleMs > 0) this.set(IDLE, this.idleMs);
  }

  /** The request is complete, or has been answered before it was. */
  requestDone(): void {
    if (this.limits.requestMs > 0) this.clear(REQUEST);
  }

  /** The stream has a route, or another one than before. May change the request's `grpc-timeout`. */
  onRoute(route: Route | undefined, headers: HeaderMap): void {
    if (route === this.route || route?.config.action.kind !== "cluster") return;
    this.route = route;
    const { idleMs, maxStream } = route.config.action.timeouts;
    if (idleMs !== undefined) {
      this.idleMs = idleMs;
      if (idleMs === 0) this.clear(IDLE);
      else this.touch();
    }
    this.limitDuration(maxStream, headers);
  }

  /** What Envoy calls `refreshDurationTimeout`. */
  private limitDuration(route: MaxStreamDuration | undefined, headers: HeaderMap): void {
    const ms = route ? durationOf(route, this.limits, headers) : this.limits.maxStreamMs;
    const tellsGrpc = route !== undefined && isGrpc(headers);
    if (ms === undefined || (ms === 0 && !route)) {
      this.clear(DURATION);
      if (tellsGrpc && this.limited) headers.remove("grpc-timeout");
      return;
    }
    this.limited = true;
    if (tellsGrpc) headers.set("grpc-timeout", grpcTimeout(ms));
    this.set(DURATION, Math.max(0, ms - (performance.now() - this.started)));
  }

  protected override onDue(which: number): void {
    const { events } = this;
    if (which === IDLE) events.onIdleTimeout();
    else if (which === REQUEST) events.onRequestTimeout();
    else events.onMaxDuration();
  }

  protected override onBug(error: unknown): void {
    this.events.onBug(error);
  }
}

/** Milliseconds; undefined = no limit. 0 is a limit: what a client's deadline leaves once the offset is taken off. */
function durationOf(
  { durationMs, grpcHeaderMaxMs: most, grpcHeaderOffsetMs: offset = 0 }: MaxStreamDuration,
  { maxStreamMs }: ManagerTimeouts,
  headers: HeaderMap,
): number | undefined {
  const asked = most === undefined ? undefined : readGrpcTimeout(headers.get("grpc-timeout"));
  if (asked === undefined || most === undefined) return (durationMs ?? maxStreamMs) || undefined;
  return Math.max(0, (most === 0 ? asked : Math.min(asked, most)) - offset);
}
