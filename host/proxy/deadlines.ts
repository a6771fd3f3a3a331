/**
 * Moments at which something is too late for one stream or connection, behind one timer. Moving a moment costs a number
 * and no timer: the timer looks again when it fires. So a chunk of a body, or a request on a kept connection, is cheap.
 */
export abstract class Deadlines {
  /** By `performance.now()`; infinity = never. */
  private readonly at: number[];
  private timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  private armed = Number.POSITIVE_INFINITY;

  constructor(count: number) {
    this.at = new Array<number>(count).fill(Number.POSITIVE_INFINITY);
  }

  /** A moment has passed. */
  protected abstract onDue(which: number): void;

  /** `onDue` has thrown. */
  protected abstract onBug(error: unknown): void;

  /** Moves a moment to `ms` milliseconds from now. */
  protected set(which: number, ms: number): void {
    const at = performance.now() + ms;
    this.at[which] = at;
    if (at < this.armed) this.arm(at, ms);
  }

  protected clear(which: number): void {
    this.at[which] = Number.POSITIVE_INFINITY;
  }

  /** For good. */
  stop(): void {
    clearTimeout(this.timer);
    this.at.fill(Number.POSITIVE_INFINITY);
    this.armed = Number.NEGATIVE_INFINITY;
  }

  private arm(at: number, ms: number): void {
    clearTimeout(this.timer);
    this.armed = at;
    // A timer takes a millisecond at least, in which a near host may have answered.
    if (ms <= 0) return void setImmediate(look, this);
    // Longer than a timer can be: looks again then.
    this.timer = setTimeout(look, Math.min(Math.ceil(ms), 0x7fffffff), this);
  }

  /** The timer has fired. */
  look(): void {
    this.armed = Number.POSITIVE_INFINITY;
    const { at } = this;
    // Timers of Node are early by parts of a millisecond.
    const now = performance.now() + 1;
    for (let which = 0; which < at.length; which++) {
      if (at[which]! > now) continue;
      at[which] = Number.POSITIVE_INFINITY;
      try {
        this.onDue(which);
      } catch (error) {
        this.onBug(error);
      }
    }
    const next = Math.min(...at);
    if (next < this.armed) this.arm(next, next - performance.now());
  }
}

function look(deadlines: Deadlines): void {
  deadlines.look();
}
