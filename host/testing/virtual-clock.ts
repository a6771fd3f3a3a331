import type { Clock, Timer } from "../clock";

interface Entry {
  readonly at: bigint;
  readonly callback: () => void;
}

/** Most callbacks one {@link VirtualClock.settle} runs before it takes the guest for one that never rests. */
const MAX_STEPS = 100_000;

/** Time that moves only when a test says so. Timers run in the order of their times, then of their making. */
export class VirtualClock implements Clock {
  #elapsed = 0n;
  readonly #timers = new Set<Entry>();
  readonly #soon: (() => void)[] = [];

  /** @param start wall clock at the beginning, nanoseconds since the epoch */
  constructor(readonly start = 1_700_000_000_000_000_000n) {}

  now(): bigint {
    return this.start + this.#elapsed;
  }

  monotonic(): bigint {
    return this.#elapsed;
  }

  setTimer(ms: number, callback: () => void): Timer {
    const entry = { at: this.#elapsed + BigInt(Math.round(ms * 1e6)), callback };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Runs what is due by now, and what that brings with it. Throws when there is no end to it. */
  settle(): void {
    for (let step = 0; step < MAX_STEPS; step++) {
      const next = this.#soon.shift() ?? this.#take(this.#elapsed)?.callback;
      if (!next) return;
      next();
    }
    throw new Error(`the host did not come to rest within ${MAX_STEPS} steps of one moment`);
  }

  /** Lets `ms` milliseconds pass; everything that is due on the way runs at its own time. */
  advance(ms: number): void {
    const end = this.#elapsed + BigInt(Math.round(ms * 1e6));
    this.settle();
    for (let next = this.#take(end); next; next = this.#take(end)) {
      this.#elapsed = next.at;
      next.callback();
      this.settle();
    }
    this.#elapsed = end;
  }

  /** Takes the first timer due by `until` out of the list. */
  #take(until: bigint): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#timers) if (entry.at <= until && (!first || entry.at < first.at)) first = entry;
    if (first) this.#timers.delete(first);
    return first;
  }
}
