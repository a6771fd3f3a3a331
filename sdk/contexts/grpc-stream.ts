import { GrpcStatus } from "../abi/grpc-status";
import { MapType } from "../abi/map-type";
import { Status } from "../abi/status";
import { proxy_grpc_close } from "../env";
import { sendGrpcMessage, startGrpcStream } from "../hostcalls/grpc";
import { HeaderMap, headerMap } from "../hostcalls/headers";
import { Bytes } from "../memory/bytes";
import { Pairs } from "../memory/pairs";
import { Context } from "./context";
import { GrpcExchange, refusesMetadata } from "./grpc-exchange";

/**
 * A gRPC stream with any number of messages each way, and the state it needs: subclass it, add fields, override what
 * you want to hear of. While a callback runs, hostcalls act on the context that opened the stream; when that has
 * ended, the stream is cancelled at its next event.
 * @example
 * class Watch extends GrpcStream {
 *   onMessage(): void {
 *     logInfo(this.message.text());
 *   }
 *   onClose(status: GrpcStatus): void {
 *     logWarn(`closed: ${status} ${this.reason}`);
 *   }
 * }
 * const watch = new Watch();
 * if (watch.open(this, "config", "example.Config", "Watch") == Status.Ok) watch.send(Bytes.of(""));
 */
export class GrpcStream extends GrpcExchange {
  private ended: bool = false;

  /** The server's head has come: `initialMetadata`; empty when there was nothing but a status. */
  onInitialMetadata(): void {}

  /** A message has come: `message`. */
  onMessage(): void {}

  /** The server's trailers have come: `trailingMetadata`; empty when the stream broke off. */
  onTrailingMetadata(): void {}

  /** The stream is over; `reason` says more. -1 stands for a status that does not exist. */
  onClose(status: GrpcStatus): void {}

  /** Inside `onInitialMetadata`. */
  get initialMetadata(): HeaderMap {
    return headerMap(MapType.GrpcReceiveInitialMetadata);
  }

  /** Inside `onTrailingMetadata`. */
  get trailingMetadata(): HeaderMap {
    return headerMap(MapType.GrpcReceiveTrailingMetadata);
  }

  /**
   * Opens the stream. An object can be opened again after `onClose`.
   * @param service full name, `package.Service`
   * @returns as `GrpcCall.send`
   */
  open(
    owner: Context,
    cluster: string,
    service: string,
    method: string,
    metadata: Pairs | null = null,
  ): Status {
    if (this.running) return Status.Unimplemented;
    if (refusesMetadata(metadata)) return Status.BadArgument;
    const status = startGrpcStream(cluster, service, method, metadata);
    if (status == Status.Ok) {
      this.ended = false;
      this.keep(owner);
    }
    return status;
  }

  /**
   * Sends a message, the last one with `endOfStream`.
   * @returns `Status.NotFound` when the stream, or this side of it, has ended
   */
  send(message: Bytes, endOfStream: bool = false): Status {
    if (!this.running || this.ended) return Status.NotFound;
    this.ended = endOfStream;
    return sendGrpcMessage(this.callId, message, endOfStream);
  }

  /** Ends this side; messages still come, and `onClose`. */
  close(): void {
    if (!this.running || this.ended) return;
    this.ended = true;
    proxy_grpc_close(this.callId);
  }
}
