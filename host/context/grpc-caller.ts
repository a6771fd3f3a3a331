import type { HeaderMap } from "../stores/header-map";
import type { GrpcService } from "../stores/protobuf/grpc-service";

export interface GrpcRequest {
  /** Where to, and what every request to it carries. */
  target: GrpcService;
  /** Full name, `package.Service`. */
  service: string;
  method: string;
  /** Of the guest: joins the headers of the request. */
  metadata: HeaderMap;
  /** Absent for streams, 0 = none. */
  timeoutMs: number | undefined;
}

/** What happens to an exchange, in this order; nothing comes after `onClose` or `cancel`, and nothing synchronously. */
export interface GrpcEvents {
  onInitialMetadata(metadata: HeaderMap): void;
  onMessage(message: Buffer): void;
  onTrailingMetadata(metadata: HeaderMap): void;
  /** `status` is the gRPC status, -1 when the host sent none that exists; `message` has what the proxy knows in braces. */
  onClose(status: number, message: string): void;
}

/** One gRPC exchange under way. */
export interface GrpcExchange {
  /** False when too much is waiting for a slow host: the message is dropped. Ignored once this side has ended. */
  send(message: Buffer, endStream: boolean): boolean;
  /** Ends this side. */
  close(): void;
  cancel(): void;
}

/** Carries `proxy_grpc_call` and `proxy_grpc_stream` out; the proxy's cluster manager implements it. */
export interface GrpcCaller {
  hasCluster(name: string): boolean;
  /** Undefined when there is no such cluster or it has no usable host. */
  start(request: GrpcRequest, events: GrpcEvents): GrpcExchange | undefined;
}
