import type { Clock, Timer } from "../clock";

/**
 * Fires when nothing was touched for `periodMs`; 0 = never. Touching costs no timer. HTTP/2 uses it in place of
 * `setTimeout` of node:http2, whose timer outlives a session or stream that is destroyed: until it fires, an hour later,
 * everything that hangs on the connection stays in memory.
 */
export class IdleTimer {
  private timer: Timer | undefined;
  private touched: bigint;

  constructor(
    private readonly clock: Clock,
    private readonly periodMs: number,
    private readonly onIdle: () => void,
  ) {
    this.touched = clock.monotonic();
    if (periodMs > 0) this.arm(periodMs);
  }

  touch(): void {
    this.touched = this.clock.monotonic();
  }

  /** Once it has fired: from now on again. */
  restart(): void {
    this.touch();
    this.arm(this.periodMs);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(ms: number): void {
    this.timer = this.clock.setTimer(ms, () => {
      const left = this.periodMs - Number(this.clock.monotonic() - this.touched) / 1e6;
      if (left > 0) this.arm(Math.ceil(left));
      else this.onIdle();
    });
  }
}
