import { HttpFilter, Status, setEffectiveContext, setTickPeriod } from "proxy-wasm-toolkit/sdk";

/** No time at all. */
export const NEVER: i64 = -1;

/** Finest grain of a delay, milliseconds. */
const TICK_MS: u32 = 5;

/** A stream that can be held back: its request during a delay, its response for other faults. */
export abstract class Held extends HttpFilter {
  /** When it goes on, on the monotonic clock; NEVER = it does not wait. */
  due: i64 = NEVER;

  /** It is time; the stream is the effective context. */
  abstract resume(now: i64): void;
}

/** Streams held back, in the order they came. The timer runs only while there are any. */
export class Waiting {
  private streams: Held[] = [];

  /** Adds a stream that is not waiting yet. */
  add(stream: Held, due: i64): void {
    if (this.streams.length == 0) setTickPeriod(TICK_MS);
    stream.due = due;
    this.streams.push(stream);
  }

  /** Forgets a stream, if it is here. */
  remove(stream: Held): void {
    const at = this.streams.indexOf(stream);
    if (at < 0) return;
    stream.due = NEVER;
    this.streams.splice(at, 1);
    if (this.streams.length == 0) setTickPeriod(0);
  }

  /** Lets go of every stream whose time has come. */
  tick(now: i64): void {
    const before = this.streams;
    const rest: Held[] = [];
    const due: Held[] = [];
    for (let i = 0; i < before.length; i++) {
      if (before[i].due <= now) due.push(before[i]);
      else rest.push(before[i]);
    }
    // First the list, then the streams: whatever a stream does, it is no longer waiting, or waits anew.
    this.streams = rest;
    if (rest.length == 0) setTickPeriod(0);
    for (let i = 0; i < due.length; i++) {
      due[i].due = NEVER;
      if (setEffectiveContext(due[i].contextId) == Status.Ok) due[i].resume(now);
    }
    setEffectiveContext(0);
  }
}
