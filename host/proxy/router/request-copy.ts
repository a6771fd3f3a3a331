import type { HeaderMap } from "../../stores/header-map";
import type { UpstreamStream } from "../clusters/upstream-events";

/** What has come of a request's body and trailers, kept to be sent again. */
export class RequestCopy {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private trailers: HeaderMap | undefined;
  complete: boolean;

  constructor(
    endStream: boolean,
    private readonly limit: number,
  ) {
    this.complete = endStream;
  }

  /** False when there is more than may be kept: the copy is of no use any longer. */
  add(chunk: Buffer, endStream: boolean): boolean {
    this.complete = endStream;
    this.bytes += chunk.length;
    if (this.bytes > this.limit) return false;
    if (chunk.length > 0) this.chunks.push(chunk);
    return true;
  }

  finish(trailers: HeaderMap): void {
    this.trailers = trailers;
    this.complete = true;
  }

  /** Nothing but headers. */
  get bare(): boolean {
    return this.complete && this.bytes === 0 && !this.trailers;
  }

  /** Sends everything there is. False asks for a pause. */
  replay(to: UpstreamStream): boolean {
    let flowing = true;
    for (const chunk of this.chunks) flowing = to.write(chunk) && flowing;
    if (this.complete) to.end(this.trailers);
    return flowing;
  }
}
