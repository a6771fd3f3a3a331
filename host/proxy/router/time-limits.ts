import { Deadlines } from "../deadlines";

/** What is told of limits that were reached. */
export interface LimitEvents {
  onTimeout(): void;
  onAttemptTimeout(): void;
  onAttemptIdle(): void;
  onMaxDuration(): void;
  /** One of these has thrown. */
  onUpstreamBug(error: unknown): void;
}

/** Milliseconds; 0 = no limit. The first counts from when the whole request is there. */
export interface Limits {
  /** For all attempts together. */
  readonly requestMs: number;
  /** For the response of one attempt to begin. */
  readonly attemptMs: number;
  /** For an attempt's response to go on. */
  readonly attemptIdleMs: number;
}

const REQUEST = 0;
const ATTEMPT = 1;
const IDLE = 2;
const DURATION = 3;

/** The time limits of one request on its way to a cluster. */
export class TimeLimits extends Deadlines {
  constructor(
    private readonly limits: Limits,
    private readonly events: LimitEvents,
  ) {
    super(4);
  }

  requestComplete(): void {
    const { requestMs } = this.limits;
    if (requestMs > 0) this.set(REQUEST, requestMs);
  }

  /** An attempt has a connection. @param durationMs for all of it; 0 = no limit */
  attemptBegins(durationMs: number): void {
    if (durationMs > 0) this.set(DURATION, durationMs);
  }

  /** It has one, and the request is complete. */
  attemptWaits(): void {
    const { attemptMs, attemptIdleMs } = this.limits;
    if (attemptMs > 0) this.set(ATTEMPT, attemptMs);
    if (attemptIdleMs > 0) this.set(IDLE, attemptIdleMs);
  }

  /** Something of its response has come. */
  attemptMoves(): void {
    this.clear(ATTEMPT);
    const { attemptIdleMs } = this.limits;
    if (attemptIdleMs > 0) this.set(IDLE, attemptIdleMs);
  }

  /** It is over, or given up. */
  attemptEnds(): void {
    this.clear(ATTEMPT);
    this.clear(IDLE);
    this.clear(DURATION);
  }

  protected override onDue(which: number): void {
    const { events } = this;
    if (which === REQUEST) events.onTimeout();
    else if (which === ATTEMPT) events.onAttemptTimeout();
    else if (which === IDLE) events.onAttemptIdle();
    else events.onMaxDuration();
  }

  protected override onBug(error: unknown): void {
    this.events.onUpstreamBug(error);
  }
}
