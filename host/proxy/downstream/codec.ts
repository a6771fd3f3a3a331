import type { HeaderMap } from "../../stores/header-map";
import type { ResponseFlag } from "../../stores/stream-info";

/** What a codec tells a stream, once `readRequest` was called. Nothing comes after the last two. */
export interface CodecStreamEvents {
  onRequestData(chunk: Buffer, endStream: boolean): void;
  onRequestTrailers(trailers: HeaderMap): void;
  /** The client takes response bytes again after `sendData` answered false. */
  onDrain(): void;
  /** The connection is gone. */
  onGone(): void;
  /** The client has reset the stream, or broken its rules. */
  onReset(details: string, flag: ResponseFlag): void;
  /** The codec itself is broken; may come at any time. */
  onBug(error: unknown): void;
}

/** The wire's side of one request and its response. The version of HTTP is the codec's own business. */
export interface CodecStream {
  /** As the property `request.protocol` says it. */
  readonly protocol: string;
  /** Milliseconds that the head took to come, where that is known. */
  readonly headMs?: number;
  /** Names and values of the request's headers in turn, where the protocol keeps them. */
  readonly rawHeaders?: readonly string[];
  /** The whole request has arrived, delivered or not. */
  readonly requestArrived: boolean;
  sendContinue(): void;
  /** Starts to deliver what follows the head of the request. */
  readRequest(): void;
  pauseRequest(paused: boolean): void;
  /** The response begins before the request is complete. */
  answerEarly(): void;
  /** What went wrong leaves the connection of no further use, unless its protocol can do better. */
  giveUpConnection(): void;
  /**
   * Writes the head of the response, after it has put into the map what its protocol adds. Throws, and has written
   * nothing, when the wire cannot carry it.
   */
  sendHeaders(headers: HeaderMap, status: number, endStream: boolean): void;
  /** False asks the caller to wait for `onDrain`. */
  sendData(chunk: Buffer): boolean;
  /** Ends the response; drops trailers that the wire cannot carry. @param flushMs for the client to take it; 0 = no limit */
  endResponse(trailers: HeaderMap | undefined, flushMs: number): void;
  /** Cuts the stream. */
  reset(): void;
  /** The stream is over: whatever still comes of its request is dropped. */
  release(): void;
}

/** The wire's side of one connection. */
export interface CodecConnection {
  /** Takes no further stream and ends the connection once those under way are over. */
  drain(): void;
  /** The same for this connection alone, which has been idle for long or is too old. */
  retire(): void;
  /** A response can say that its connection will be closed. */
  readonly saysClose: boolean;
  /** One of its streams is over; `last` when no other is under way. */
  streamFinished(last: boolean): void;
}
