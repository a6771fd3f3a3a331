import { Bytes, ProxyBuffer } from "proxy-wasm-toolkit/sdk";

/** A flag, and four bytes of length in network order. */
const HEADER_SIZE = 5;
/** How much of a body is looked at in one go: small frames stand close together. */
const WINDOW = 1024;

/** Counts the gRPC messages of a body as it passes, whatever pieces it comes in. Only headers of frames are read. */
export class FrameCounter {
  /** Messages that have begun since `take`. */
  private count: i64 = 0;
  /** Bytes of the current message that are still to come. */
  private left: u64 = 0;
  /** What has come of the next header, when a piece ended within it. */
  private length: u32 = 0;
  private seen: i32 = 0;

  /** One more piece of the body. */
  add(body: ProxyBuffer): void {
    const size = body.length;
    let at = 0;
    while (at < size) {
      const skipped = <i32>min(this.left, <u64>(size - at));
      this.left -= <u64>skipped;
      at += skipped;
      if (at < size) at += this.read(body.bytes(at, WINDOW));
    }
  }

  /** Reads headers up to the end of the window or beyond it; answers how many bytes are done with. */
  private read(window: Bytes): i32 {
    const size = window.length;
    // A host that shows less than it said it has: nothing more to read.
    if (size == 0) return i32.MAX_VALUE >> 1;
    let at = 0;
    while (at < size && this.left == 0) {
      if (this.seen > 0) this.length = (this.length << 8) | <u32>window.at(at);
      at++;
      if (++this.seen < HEADER_SIZE) continue;
      this.count++;
      const inside = <i32>min(<u64>this.length, <u64>(size - at));
      at += inside;
      this.left = <u64>this.length - <u64>inside;
      this.seen = 0;
      this.length = 0;
    }
    return at;
  }

  /** Messages since the last call. */
  take(): i64 {
    const count = this.count;
    this.count = 0;
    return count;
  }
}
