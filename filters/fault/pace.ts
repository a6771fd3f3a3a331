/** What the bucket starts with, and what may be saved up: nanoseconds' worth. */
const FIRST: i64 = 50000000;
const SAVED: i64 = 1000000000;

/** How fast a response's body may flow. As in Envoy: a bucket for each stream. */
export class Pace {
  private readonly bytesPerSecond: i64;
  /** When the bytes that have gone so far are paid for. */
  private paid: i64;

  /** `kbps`: KiB a second. */
  constructor(kbps: i64, now: i64) {
    this.bytesPerSecond = kbps * 1024;
    this.paid = now - FIRST;
  }

  /** When `bytes` more may go, the ones before being gone; what is not used up in a second is lost. */
  due(bytes: i64, now: i64): i64 {
    this.paid = max(this.paid, now - SAVED);
    return this.later(bytes);
  }

  /** When all of `bytes` may go, some of which have been waiting. */
  later(bytes: i64): i64 {
    return this.paid + (bytes * 1000000000) / this.bytesPerSecond;
  }

  /** They have gone. */
  pay(bytes: i64): void {
    this.paid = this.later(bytes);
  }
}
