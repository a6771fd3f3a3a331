import type { HeaderMap } from "../stores/header-map";
import type { StreamInfo } from "../stores/stream-info";

/** What a filter's headers hook answers; numbers as in the ABI, names as in Envoy. */
export enum HeadersStatus {
  Continue = 0,
  StopIteration = 1,
  ContinueAndDontEndStream = 2,
  StopAllIterationAndBuffer = 3,
  StopAllIterationAndWatermark = 4,
}

export enum DataStatus {
  Continue = 0,
  StopIterationAndBuffer = 1,
  StopIterationAndWatermark = 2,
  StopIterationNoBuffer = 3,
}

export enum TrailersStatus {
  Continue = 0,
  StopIteration = 1,
}

/** A reply made by the proxy or a filter instead of the upstream. */
export interface LocalReply {
  status: number;
  /** Latin-1 text: bytes leave as they came. */
  body: string | Buffer;
  /** Added after `:status`, lower-case names. */
  headers?: readonly (readonly [string, string])[];
  /** grpc-status for gRPC requests; undefined or outside 0..16 = derived from `status`. */
  grpcStatus?: number;
  /** Response code details: whitespace already turned into `_`. */
  details: string;
  /** Response flag bits to set on the stream info. */
  flags?: number;
}

/** A local reply as it is to be sent; its type is that of a body that says nothing else. */
export interface RewrittenReply {
  status: number;
  body: Buffer;
  contentType: string;
}

/** A stretch of body on its way through the chain; a filter may put other bytes in its place. */
export interface BodyChunk {
  data: Buffer;
}

/** One filter of one stream. Hooks run in chain order for requests, in reverse for responses. */
export interface StreamFilter {
  decodeHeaders(headers: HeaderMap, endStream: boolean): HeadersStatus;
  /** `chunk` is this call's own bytes; buffered ones are reached through the callbacks. */
  decodeData(chunk: BodyChunk, endStream: boolean): DataStatus;
  decodeTrailers(trailers: HeaderMap): TrailersStatus;
  encodeHeaders(headers: HeaderMap, endStream: boolean): HeadersStatus;
  encodeData(chunk: BodyChunk, endStream: boolean): DataStatus;
  encodeTrailers(trailers: HeaderMap): TrailersStatus;
  /** The stream is complete or reset: before any filter's onDestroy. */
  onLog(): void;
  onDestroy(): void;
}

/**
 * What lies around a filter chain: the connection manager below it (client side) and the router above it.
 * The chain calls these; it never touches sockets itself.
 */
export interface StreamEnds {
  readonly info: StreamInfo;
  /** The request leaves the last filter, towards the router. */
  forwardRequestHeaders(headers: HeaderMap, endStream: boolean): void;
  forwardRequestData(chunk: Buffer, endStream: boolean): void;
  forwardRequestTrailers(trailers: HeaderMap): void;
  /** The response leaves the first filter, towards the client. */
  sendResponseHeaders(headers: HeaderMap, endStream: boolean): void;
  sendResponseData(chunk: Buffer, endStream: boolean): void;
  sendResponseTrailers(trailers: HeaderMap): void;
  /**
   * A local reply is being made and so far has only its `:status`: the route's response headers go on it, before the
   * reply's own. Every local reply of a stream with a route to a cluster gets them, a filter's too (observed).
   */
  decorateLocalReply(headers: HeaderMap): void;
  /** What the connection manager makes of a local reply with these headers, before it is framed. Absent: nothing. */
  rewriteLocalReply?(headers: HeaderMap, status: number, body: Buffer): RewrittenReply;
  /** A local reply replaced the upstream's answer: the router drops what it still has under way. */
  cancelUpstream(): void;
  /** Cut the stream (HTTP/1.1: close the connection). */
  resetStream(details: string): void;
  /** Request headers changed: the route is looked up anew at its next use. */
  clearRouteCache(): void;
  /** Back-pressure: stop or resume reading the request from the client, the response from upstream. */
  pauseRequest(paused: boolean): void;
  pauseResponse(paused: boolean): void;
}

/** A body a filter holds back. */
export interface HeldBody {
  readonly length: number;
  /** Everything held, in one piece. */
  bytes(): Buffer;
  /** False when that was too much: the chain has answered the stream. */
  append(data: Buffer): boolean;
  replace(data: Buffer): void;
}

/** What the chain offers to one filter. */
export interface FilterCallbacks {
  readonly info: StreamInfo;
  continueDecoding(): void;
  continueEncoding(): void;
  sendLocalReply(reply: LocalReply): void;
  /** Answers by headers alone, which are no local reply: they go through the response filters as they are. */
  answer(headers: HeaderMap, details: string): void;
  resetStream(details: string): void;
  clearRouteCache(): void;
  /** Bytes held back for this filter by StopIterationAndBuffer. */
  readonly requestBody: HeldBody;
  readonly responseBody: HeldBody;
  /** Creates trailers while the last body chunk (end of stream) is in this filter's data hook. */
  addRequestTrailers(): HeaderMap;
  addResponseTrailers(): HeaderMap;
}

/** Installs one filter on a new stream; undefined = the filter is left out of this stream (fail open). */
export interface FilterFactory {
  readonly name: string;
  create(callbacks: FilterCallbacks): StreamFilter | undefined;
}
