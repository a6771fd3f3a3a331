import { GrpcStatus } from "../abi/grpc-status";
import { Status } from "../abi/status";
import { startGrpcCall } from "../hostcalls/grpc";
import { Bytes } from "../memory/bytes";
import { Pairs } from "../memory/pairs";
import { Context } from "./context";
import { GrpcExchange, refusesMetadata } from "./grpc-exchange";

/**
 * One gRPC call with one message each way, and the state its answer needs: subclass it, add fields, override
 * `onResponse` and `onFailure`. While they run, hostcalls act on the context that sent the call (e.g.
 * `continueRequest` of the paused stream). When that stream has ended meanwhile, nothing is called.
 * @example
 * class Check extends GrpcCall {
 *   onResponse(): void {
 *     (this.owner as Guard).continueRequest();
 *   }
 *   onFailure(status: GrpcStatus): void {
 *     (this.owner as Guard).sendLocalResponse(403, "denied");
 *   }
 * }
 * new Check().send(this, "auth", "example.Auth", "Check", new MessageWriter().text(1, path).finish());
 */
export class GrpcCall extends GrpcExchange {
  /** The call went well; `message` is the answer. */
  onResponse(): void {}

  /**
   * It did not: the server's status, or one of the proxy's (`Unavailable` without connection and when the time is up).
   * -1 stands for a status that does not exist. `reason` says more.
   */
  onFailure(status: GrpcStatus): void {}

  /**
   * Sends the call; what comes of it is told in a later callback.
   * @param service full name, `package.Service`
   * @param timeout milliseconds; 0 = none
   * @returns `Status.InternalFailure` when there is no such cluster or it has no usable host, `Status.BadArgument` for
   * metadata with CR, LF or NUL, `Status.Unimplemented` when this object still waits for an answer; then nothing will
   * be called
   */
  send(
    owner: Context,
    cluster: string,
    service: string,
    method: string,
    message: Bytes,
    timeout: u32 = 5000,
    metadata: Pairs | null = null,
  ): Status {
    if (this.running) return Status.Unimplemented;
    if (refusesMetadata(metadata)) return Status.BadArgument;
    const status = startGrpcCall(cluster, service, method, metadata, message, timeout);
    if (status == Status.Ok) this.keep(owner);
    return status;
  }
}
