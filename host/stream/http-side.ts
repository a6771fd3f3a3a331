import type { GuestBuffer } from "../context/context";
import type { HeaderMap } from "../stores/header-map";
import type { BodyChunk, HeldBody } from "./filter";

const EMPTY = Buffer.alloc(0);

/** One direction of an HTTP stream as its guest sees it: the live maps and the body within reach. */
export class HttpSide {
  headers: HeaderMap | undefined;
  trailers: HeaderMap | undefined;
  /** The last callback answered "buffer": the guest sees everything so far. */
  buffering = false;
  /** The last body frame is being shown: trailers may be created. */
  lastData = false;
  /** The chunk in the hook's hands. */
  private chunk: BodyChunk | undefined;

  constructor(private readonly held: HeldBody) {}

  /** Takes a chunk in before its callback; false when the chain has answered the stream because of it. */
  receive(chunk: BodyChunk, last: boolean): boolean {
    this.lastData = last;
    if (!this.buffering) {
      this.chunk = chunk;
      return true;
    }
    // While buffering the chunk joins what is held first.
    const { data } = chunk;
    chunk.data = EMPTY;
    return data.length === 0 || this.held.append(data);
  }

  /** Bytes the callback is told of. */
  get bodySize(): number {
    return this.chunk ? this.chunk.data.length : this.held.length;
  }

  /** The callback has returned. */
  release(buffering: boolean): void {
    this.lastData = false;
    this.chunk = undefined;
    this.buffering = buffering;
  }

  /** The chunk in a hook's hands, or what the filter holds while it buffers. */
  body(): GuestBuffer | undefined {
    const { chunk, held } = this;
    if (chunk)
      return {
        get: () => chunk.data,
        set: (data) => {
          chunk.data = data;
        },
      };
    return this.buffering ? { get: () => held.bytes(), set: (data) => held.replace(data) } : undefined;
  }
}
