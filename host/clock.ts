/** A running timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** All time in the host comes from here, so that tests can run on a virtual clock. */
export interface Clock {
  /** Wall clock, nanoseconds since the epoch. */
  now(): bigint;
  /** Monotonic clock, nanoseconds. */
  monotonic(): bigint;
  /** Runs `callback` once, `ms` milliseconds from now. */
  setTimer(ms: number, callback: () => void): Timer;
  /** Runs `callback` once whatever runs now has returned; in order. */
  soon(callback: () => void): void;
}

const origin = BigInt(Math.round(performance.timeOrigin * 1e6));

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => origin + BigInt(Math.round(performance.now() * 1e6)),
  monotonic: () => process.hrtime.bigint(),
  setTimer(ms, callback) {
    const handle = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(handle) };
  },
  soon: (callback) => void setImmediate(callback),
};
