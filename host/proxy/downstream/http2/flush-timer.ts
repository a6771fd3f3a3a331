import type { OnBug } from "../../contain";
import { Deadlines } from "../../deadlines";
import type { Http2Stream } from "./http2-stream";

/** Streams of one connection whose answer is complete and still to be taken by the client, behind one timer. */
export class FlushTimer extends Deadlines {
  /** When each is given up, by `performance.now()`. */
  private readonly waiting = new Map<Http2Stream, number>();

  constructor(private readonly report: OnBug) {
    super(1);
  }

  /** An answer is complete. */
  add(stream: Http2Stream, ms: number): void {
    this.waiting.set(stream, performance.now() + ms);
    if (this.waiting.size === 1) this.set(0, ms);
  }

  /** It has been taken, or the stream is gone. */
  remove(stream: Http2Stream): void {
    if (this.waiting.delete(stream) && this.waiting.size === 0) this.clear(0);
  }

  protected override onDue(): void {
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [stream, at] of this.waiting) {
      if (at <= now + 1) {
        this.waiting.delete(stream);
        stream.giveUp();
      } else next = Math.min(next, at);
    }
    if (next < Number.POSITIVE_INFINITY) this.set(0, next - now);
  }

  protected override onBug(error: unknown): void {
    this.report(error);
  }
}
