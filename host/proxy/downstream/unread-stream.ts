import type { StreamInfo } from "../../stores/stream-info";
import type { StreamEnds } from "../../stream/filter";

/** The ends of a stream that exists only to be logged: its request could not be read. */
export class UnreadStream implements StreamEnds {
  constructor(readonly info: StreamInfo) {}
  forwardRequestHeaders(): void {}
  forwardRequestData(): void {}
  forwardRequestTrailers(): void {}
  sendResponseHeaders(): void {}
  sendResponseData(): void {}
  sendResponseTrailers(): void {}
  decorateLocalReply(): void {}
  cancelUpstream(): void {}
  resetStream(): void {}
  clearRouteCache(): void {}
  pauseRequest(): void {}
  pauseResponse(): void {}
}
