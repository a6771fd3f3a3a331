import { HttpFilter, Status, setEffectiveContext, setTickPeriod } from "proxy-wasm-toolkit/sdk";

/** Finest grain of a delay, milliseconds. */
const TICK_MS: u32 = 5;

/** A stream that can be held back. */
export abstract class Delayed extends HttpFilter {
  /** When its delay ends, on the monotonic clock. */
  due: i64 = 0;

  /** The delay is over; the stream is the effective context. */
  abstract resume(): void;
}

/** Streams held back, in the order they came. The timer runs only while there are any. */
export class Delays {
  private waiting: Delayed[] = [];

  add(stream: Delayed, due: i64): void {
    if (this.waiting.length == 0) setTickPeriod(TICK_MS);
    stream.due = due;
    this.waiting.push(stream);
  }

  /** Forgets a stream that has ended. */
  remove(stream: Delayed): void {
    const at = this.waiting.indexOf(stream);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    if (this.waiting.length == 0) setTickPeriod(0);
  }

  /** Lets go of every stream whose delay is over. */
  tick(now: i64): void {
    const before = this.waiting;
    const rest: Delayed[] = [];
    const due: Delayed[] = [];
    for (let i = 0; i < before.length; i++) {
      if (before[i].due <= now) due.push(before[i]);
      else rest.push(before[i]);
    }
    // First the list, then the streams: whatever a stream does, it is no longer waiting.
    this.waiting = rest;
    if (rest.length == 0) setTickPeriod(0);
    for (let i = 0; i < due.length; i++) {
      if (setEffectiveContext(due[i].contextId) == Status.Ok) due[i].resume();
    }
    setEffectiveContext(0);
  }
}
