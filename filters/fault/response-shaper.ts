import { BodyAction, Bytes, HeaderMap, HeaderName, monotonicTime, ProxyBuffer } from "proxy-wasm-toolkit/sdk";
import { decimal } from "proxy-wasm-toolkit/sdk/text/ascii";
import { Ledger } from "./ledger";
import { Pace } from "./pace";
import { NEVER } from "./waiting";

const CONTENT_LENGTH = new HeaderName("content-length");
const TRANSFER_ENCODING = new HeaderName("transfer-encoding");
const TRAILER = new HeaderName("trailer");

/** What is to happen to a response when its time has come. */
export enum Next {
  /** Nothing: the proxy holds none of it. */
  Nothing = 0,
  Continue = 1,
  Reset = 2,
}

/**
 * What becomes of one response's body: paced, stalled and cut, in bytes of the body as the client gets it.
 *
 * Proxies let a plugin hold a body and let go of all that is held, no less; and once they have seen the end, letting go
 * ends the stream. So what passes before a stall or a cut has to pass in the callback that brings it, and the rest of
 * that chunk is kept here until the next one.
 */
export class ResponseShaper {
  /** When it goes on; NEVER = nothing is waited for. */
  due: i64 = NEVER;

  private pace: Pace | null = null;
  /** Where the body stalls, and for how long. */
  private stallAfter: i64 = NEVER;
  private stallTime: i64 = 0;
  private cutAfter: i64 = NEVER;
  private cutResets: bool = false;
  private stalledUntil: i64 = 0;
  /** Bytes of the body so far, without those that were cut. */
  private seen: i64 = 0;
  /** Bytes that the proxy holds. */
  private held: i64 = 0;
  private isHeld: bool = false;
  private ended: bool = false;
  private isCut: bool = false;
  private mustReset: bool = false;
  /** The second part of a chunk whose first has passed. */
  private kept: Bytes | null = null;
  private splits: bool = false;

  constructor(private readonly ledger: Ledger) {}

  /** Lets the body flow at so many KiB a second. */
  paceAt(kbps: i64): void {
    this.pace = new Pace(kbps, monotonicTime());
    this.ledger.rateLimited();
  }

  /** Holds the body for `time` when more than `after` bytes of it have come. */
  stall(after: i64, time: i64): void {
    this.stallAfter = after;
    this.stallTime = time;
  }

  /** Cuts what comes after so many bytes. */
  cut(after: i64, resets: bool): void {
    this.cutAfter = after;
    this.cutResets = resets;
  }

  headers(headers: HeaderMap): void {
    if (this.stallAfter == NEVER && this.cutAfter == NEVER) return;
    const length = headers.get<HeaderName>(CONTENT_LENGTH);
    // Trailers right behind the chunk would come too early for its second part.
    this.splits =
      length != null || (headers.has<HeaderName>(TRANSFER_ENCODING) && !headers.has<HeaderName>(TRAILER));
    if (length == null || this.cutAfter == NEVER || this.cutResets) return;
    // Cut to an orderly end: the length would give it away.
    if (length.length > 9 || <i64>decimal(length) > this.cutAfter) headers.remove<HeaderName>(CONTENT_LENGTH);
  }

  /** A chunk has come. */
  body(body: ProxyBuffer, end: bool): BodyAction {
    this.ended = end;
    if (this.mustReset) return BodyAction.StopIterationNoBuffer;
    let size = <i64>body.length;
    if (this.cutAfter != NEVER && this.seen + size > this.cutAfter) {
      size = this.cutAfter - this.seen;
      this.beginCut();
      if (this.cutResets && end) return BodyAction.StopIterationNoBuffer;
      keepFirst(body, size);
    }
    if (size == 0 && this.kept == null) {
      if (this.mustReset) return BodyAction.StopIterationNoBuffer;
      return this.isHeld ? BodyAction.StopIterationAndWatermark : BodyAction.Continue;
    }
    const now = monotonicTime();
    if (this.stallAfter != NEVER && this.seen + size > this.stallAfter) {
      const first = this.stallAfter - this.seen;
      this.stallAfter = NEVER;
      this.stalledUntil = now + this.stallTime;
      this.ledger.stalled();
      if (first > 0 && this.splits && !end && !this.isHeld && !this.mustReset) {
        this.seen += size;
        this.kept = body.bytes(<i32>first);
        keepFirst(body, first);
        return this.pass(first, now, 0);
      }
    }
    this.seen += size;
    const kept = this.kept;
    if (kept != null) {
      this.kept = null;
      body.prependBytes(kept);
      size += <i64>kept.length;
    }
    return this.pass(size, now, this.stalledUntil);
  }

  /** The trailers have come; true = not yet. */
  holdsTrailers(): bool {
    this.ended = true;
    if (this.kept != null) {
      // No chunk is left to put the rest in: a reset is better than a body with a hole.
      this.kept = null;
      this.mustReset = true;
      this.due = monotonicTime();
    }
    return this.isHeld || this.mustReset;
  }

  /** It is time. */
  resume(now: i64): Next {
    this.due = NEVER;
    const resets = this.mustReset;
    if (!this.isHeld) return resets ? Next.Reset : Next.Nothing;
    // Letting go would end the response in order.
    if (resets && this.ended) return Next.Reset;
    this.isHeld = false;
    const pace = this.pace;
    if (pace != null) pace.pay(this.held);
    this.held = 0;
    if (resets) this.due = now;
    return Next.Continue;
  }

  private beginCut(): void {
    if (this.isCut) return;
    this.isCut = true;
    this.ledger.truncated();
    // Not in this callback: what it lets through would be lost.
    this.mustReset = this.cutResets;
    if (this.mustReset && this.due == NEVER) this.due = monotonicTime();
  }

  /** Lets `size` bytes through, or holds them until then. */
  private pass(size: i64, now: i64, until: i64): BodyAction {
    const pace = this.pace;
    if (pace != null) {
      const paid = this.isHeld ? pace.later(this.held + size) : pace.due(size, now);
      until = max(until, paid);
    }
    if (!this.isHeld && until <= now) {
      if (pace != null) pace.pay(size);
      return BodyAction.Continue;
    }
    this.isHeld = true;
    this.held += size;
    this.due = until;
    return BodyAction.StopIterationAndWatermark;
  }
}

function keepFirst(body: ProxyBuffer, size: i64): void {
  body.setBytes(body.bytes(0, <i32>size));
}
