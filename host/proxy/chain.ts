import type { HeaderMap } from "../stores/header-map";
import type { LocalReply, StreamEnds } from "../stream/filter";

/** The filter chain of one stream, as the proxy sees it. */
export interface Chain {
  requestHeaders(headers: HeaderMap, endStream: boolean): void;
  requestData(chunk: Buffer, endStream: boolean): void;
  requestTrailers(trailers: HeaderMap): void;
  responseHeaders(headers: HeaderMap, endStream: boolean): void;
  responseData(chunk: Buffer, endStream: boolean): void;
  responseTrailers(trailers: HeaderMap): void;
  sendLocalReply(reply: LocalReply): void;
  finish(): void;
}

/** Puts a chain between the two ends of a new stream. */
export type ChainFactory = (ends: StreamEnds) => Chain;
