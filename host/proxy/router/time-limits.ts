/** What is told of limits that were reached. */
export interface LimitEvents {
  onTimeout(): void;
  onAttemptTimeout(): void;
  /** One of these has thrown. */
  onUpstreamBug(error: unknown): void;
}

/** Milliseconds; 0 = no limit. */
export interface Limits {
  /** For all attempts together. */
  readonly requestMs: number;
  /** For the response of one attempt to begin. Counts only when it is shorter than that for all. */
  readonly attemptMs: number;
}

/** The timers of one request on its way to a cluster. They count from when the whole request has been sent. */
export class TimeLimits {
  private timer: NodeJS.Timeout | undefined;
  private attemptTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly limits: Limits,
    readonly events: LimitEvents,
  ) {}

  requestComplete(): void {
    const { requestMs } = this.limits;
    if (requestMs > 0) this.timer = setTimeout(onTimeout, requestMs, this);
  }

  /** An attempt is under way, and the request complete. */
  startAttempt(): void {
    const { requestMs, attemptMs } = this.limits;
    if (attemptMs === 0 || (requestMs > 0 && attemptMs >= requestMs)) return;
    clearTimeout(this.attemptTimer);
    this.attemptTimer = setTimeout(onAttemptTimeout, attemptMs, this);
  }

  /** The attempt has been answered, or is given up. */
  endAttempt(): void {
    clearTimeout(this.attemptTimer);
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.attemptTimer);
  }
}

/** Timers hold no closures; a defect ends the stream and no more. */
const timer =
  (run: (events: LimitEvents) => void) =>
  ({ events }: TimeLimits) => {
    try {
      run(events);
    } catch (error) {
      events.onUpstreamBug(error);
    }
  };

const onTimeout = timer((events) => events.onTimeout());
const onAttemptTimeout = timer((events) => events.onAttemptTimeout());
