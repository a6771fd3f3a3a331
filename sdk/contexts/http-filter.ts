import { Action } from "../abi/action";
import { GrpcStatus } from "../abi/grpc-status";
import { StreamType } from "../abi/stream-type";
import { Connection } from "../attributes/connection";
import { Upstream } from "../attributes/upstream";
import { closeStream, continueStream, sendLocalResponse } from "../hostcalls/streams";
import { Bytes } from "../memory/bytes";
import { Pairs } from "../memory/pairs";
import { HttpRequest, HttpResponse } from "./http-message";
import { httpStatusOf } from "./http-status";
import { StreamContext } from "./stream-context";

/**
 * One HTTP request and its response. Override only what you need: a callback nobody overrides is not exported, and
 * the proxy does not call it.
 *
 * Every callback says how to go on: `Action.Continue`, or `Action.Pause` until `continueRequest` /
 * `continueResponse`. A paused body is buffered and seen whole in the next call. `HeadersAction` and `BodyAction`
 * have Envoy's finer results.
 */
export class HttpFilter extends StreamContext {
  /** The request of this stream. */
  get request(): HttpRequest {
    return changetype<HttpRequest>(0);
  }

  /** Its response, there in the response callbacks and in `onLog`. */
  get response(): HttpResponse {
    return changetype<HttpResponse>(0);
  }

  /** The connection the request came on. */
  get connection(): Connection {
    return changetype<Connection>(0);
  }

  /** The host the request went to. */
  get upstream(): Upstream {
    return changetype<Upstream>(0);
  }

  /** The request has begun; `this.request.endOfStream` when it has no body. */
  onRequestHeaders(): Action {
    return Action.Continue;
  }

  /** A part of the body, or all so far when buffering; `this.request.endOfStream` on the last (maybe empty) one. */
  onRequestBody(): Action {
    return Action.Continue;
  }

  /** The trailers of the request came; many requests have none. */
  onRequestTrailers(): Action {
    return Action.Continue;
  }

  /** An HTTP/2 METADATA frame came; no proxy lets its content be read. */
  onRequestMetadata(): void {}

  /** Also called for responses the proxy or another filter made. */
  onResponseHeaders(): Action {
    return Action.Continue;
  }

  /** As `onRequestBody`, for the response. */
  onResponseBody(): Action {
    return Action.Continue;
  }

  /** The response's trailers came; a gRPC status is one. */
  onResponseTrailers(): Action {
    return Action.Continue;
  }

  /** As `onRequestMetadata`. */
  onResponseMetadata(): void {}

  /**
   * Answers the request from here. Return its result: `return this.sendLocalResponse(403, "no")`.
   * @param grpcStatus for gRPC requests; -1 = derived from `status`
   * @param details response code details for access logs
   */
  sendLocalResponse(
    status: u32,
    body: string = "",
    headers: Pairs | null = null,
    grpcStatus: i32 = -1,
    details: string = "",
  ): Action {
    sendLocalResponse(status, Bytes.of(body), headers, grpcStatus, details);
    return Action.Pause;
  }

  /** The same with a body of any bytes. */
  sendLocalResponseBytes(
    status: u32,
    body: Bytes,
    headers: Pairs | null = null,
    grpcStatus: i32 = -1,
    details: string = "",
  ): Action {
    sendLocalResponse(status, body, headers, grpcStatus, details);
    return Action.Pause;
  }

  /**
   * Answers a gRPC request: the proxy sends `grpc-status` and `grpc-message`. A client that does not speak gRPC gets the
   * HTTP status that stands for it, with the message as body.
   */
  sendGrpcResponse(status: GrpcStatus, message: string = "", headers: Pairs | null = null): Action {
    return this.sendLocalResponse(httpStatusOf(status), message, headers, status);
  }

  /** Lets a paused request go on. */
  continueRequest(): void {
    continueStream(StreamType.HttpRequest);
  }

  /** Lets a paused response go on. */
  continueResponse(): void {
    continueStream(StreamType.HttpResponse);
  }

  /** Resets the stream: the client gets no (further) response. */
  reset(): void {
    closeStream(StreamType.HttpRequest);
  }
}
