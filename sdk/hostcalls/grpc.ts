import { Status } from "../abi/status";
import { proxy_grpc_call, proxy_grpc_send, proxy_grpc_stream } from "../env";
import { Bytes } from "../memory/bytes";
import { OUT2 } from "../memory/layout";
import { MessageWriter } from "../memory/message";
import { Pairs } from "../memory/pairs";

/**
 * The cluster as a serialized `GrpcService`. A bare name would do, unless its letters happen to be a protobuf message
 * (`empty`, `h1`): that ends Envoy.
 */
function serviceOf(cluster: string): Bytes {
  const envoyGrpc = new MessageWriter().text(1, cluster).finish();
  return new MessageWriter().bytes(1, envoyGrpc, true).finish();
}

function encoded(metadata: Pairs | null): Bytes {
  return metadata == null ? Bytes.of("") : metadata.encode();
}

/** @internal Starts a call; `startedGrpcId` has its id. */
export function startGrpcCall(
  cluster: string,
  service: string,
  method: string,
  metadata: Pairs | null,
  message: Bytes,
  timeout: u32,
): Status {
  const target = serviceOf(cluster);
  const name = Bytes.of(service);
  const called = Bytes.of(method);
  const pairs = encoded(metadata);
  return proxy_grpc_call(
    target.ptr,
    <usize>target.length,
    name.ptr,
    <usize>name.length,
    called.ptr,
    <usize>called.length,
    pairs.ptr,
    <usize>pairs.length,
    message.ptr,
    <usize>message.length,
    timeout,
    OUT2,
  );
}

/** @internal Starts a stream; `startedGrpcId` has its id. */
export function startGrpcStream(
  cluster: string,
  service: string,
  method: string,
  metadata: Pairs | null,
): Status {
  const target = serviceOf(cluster);
  const name = Bytes.of(service);
  const called = Bytes.of(method);
  const pairs = encoded(metadata);
  return proxy_grpc_stream(
    target.ptr,
    <usize>target.length,
    name.ptr,
    <usize>name.length,
    called.ptr,
    <usize>called.length,
    pairs.ptr,
    <usize>pairs.length,
    OUT2,
  );
}

/** @internal Id of what was started last. */
export function startedGrpcId(): u32 {
  return load<u32>(OUT2);
}

/** @internal */
export function sendGrpcMessage(id: u32, message: Bytes, endOfStream: bool): Status {
  return proxy_grpc_send(id, message.ptr, <usize>message.length, endOfStream ? 1 : 0);
}
