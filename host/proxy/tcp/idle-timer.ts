import type { Clock, Timer } from "../../clock";

/** Fires when nothing was touched for `periodMs`; 0 = never. Touching costs no timer. */
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
