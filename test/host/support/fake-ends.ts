import { FilterState } from "../../../host/stores/filter-state";
import type { HeaderMap } from "../../../host/stores/header-map";
import type { StreamInfo } from "../../../host/stores/stream-info";
import type { StreamEnds } from "../../../host/stream/filter";

/** Facts of a stream that nothing has happened to yet. */
export function streamInfo(): StreamInfo {
  return {
    connection: {
      id: 0,
      localAddress: "127.0.0.1:80",
      localPort: 80,
      remoteAddress: "127.0.0.1:4000",
      remotePort: 4000,
      requestedServerName: "",
      tls: undefined,
      filterState: new FilterState(),
    },
    listener: { direction: 0, metadata: undefined, filterChainName: "" },
    protocol: "HTTP/1.1",
    startTime: 0n,
    startMonotonic: 0n,
    endMonotonic: undefined,
    requestHeaders: undefined,
    responseHeaders: undefined,
    responseTrailers: undefined,
    responseCode: undefined,
    responseCodeDetails: undefined,
    responseFlags: 0,
    bytesReceived: 0,
    bytesSent: 0,
    upstreamRequestStart: undefined,
    upstreamResponseEnd: undefined,
    connectionTermination: undefined,
    upstream: {
      address: undefined,
      port: undefined,
      localAddress: undefined,
      attempts: 0,
      transportFailureReason: "",
      poolReadyDuration: undefined,
      locality: { region: "", zone: "", subZone: "" },
      metadata: undefined,
      localityMetadata: undefined,
      tls: undefined,
    },
    route: () => undefined,
    filterState: new FilterState(),
  } as StreamInfo;
}

/** The two ends of a chain as a list of what came out, for tests of the chain alone. */
export class RecordingEnds implements StreamEnds {
  readonly info = streamInfo();
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
