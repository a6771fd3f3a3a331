import type { HeaderMap } from "../../../host/stores/header-map";

import type { StreamEnds } from "../../../host/stream/filter";
import { ExchangeFacts } from "../../../host/testing/exchange-facts";
import { VirtualClock } from "../../../host/testing/virtual-clock";

/** The two ends of a chain as a list of what came out, for tests of the chain alone. */
export class RecordingEnds implements StreamEnds {
  readonly info = new ExchangeFacts(0, new VirtualClock(0n), {});
  readonly events: string[] = [];
  /** The maps that left the chain, for looking closer. */
  readonly maps: HeaderMap[] = [];

  private note(what: string, map: HeaderMap | undefined, text: string): void {
    if (map) this.maps.push(map);
    this.events.push(text === "" ? what : `${what} ${text}`);
  }
  forwardRequestHeaders(map: HeaderMap, end: boolean): void {
    this.note("request headers", map, end ? "end" : "");
  }
  forwardRequestData(chunk: Buffer, end: boolean): void {
    this.note("request data", undefined, `"${chunk.toString("latin1")}"${end ? " end" : ""}`);
  }
  forwardRequestTrailers(map: HeaderMap): void {
    this.note("request trailers", map, "");
  }
  sendResponseHeaders(map: HeaderMap, end: boolean): void {
    this.note(`response headers ${map.get(":status")}`, map, end ? "end" : "");
  }
  sendResponseData(chunk: Buffer, end: boolean): void {
    this.note("response data", undefined, `"${chunk.toString("latin1")}"${end ? " end" : ""}`);
  }
  sendResponseTrailers(map: HeaderMap): void {
    this.note("response trailers", map, "");
  }
  decorateLocalReply(): void {}
  cancelUpstream(): void {
    this.events.push("cancel upstream");
  }
  resetStream(details: string): void {
    this.events.push(`reset ${details}`);
  }
  clearRouteCache(): void {}
  pauseRequest(paused: boolean): void {
    this.events.push(paused ? "pause request" : "resume request");
  }
  pauseResponse(paused: boolean): void {
    this.events.push(paused ? "pause response" : "resume response");
  }
}
