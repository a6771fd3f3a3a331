import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import { clusterService, type GrpcService, parseGrpcService } from "../stores/protobuf/grpc-service";
import { callHeaders } from "./call-headers";
import type { HostcallEnv } from "./env";

type Names =
  | "proxy_grpc_call"
  | "proxy_grpc_stream"
  | "proxy_grpc_send"
  | "proxy_grpc_cancel"
  | "proxy_grpc_close";

/** What the first argument names: a serialized `GrpcService`, or the name of a cluster. */
function target(env: HostcallEnv, bytes: Buffer): GrpcService | Status {
  const service = parseGrpcService(bytes);
  if (typeof service === "object") return service;
  if (service === "google") return Status.BadArgument;
  const cluster = bytes.toString("latin1");
  // Bytes that are a service without a target end Envoy, even when a cluster has that name.
  const known = service === "unparsable" && env.instance.deps.grpcCaller?.hasCluster(cluster);
  return known ? clusterService(cluster) : Status.ParseFailure;
}

export const grpc = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_grpc_call(
    targetPtr,
    targetSize,
    servicePtr,
    serviceSize,
    methodPtr,
    methodSize,
    metadataPtr,
    metadataSize,
    messagePtr,
    messageSize,
    timeout,
    idAt,
  ) {
    const { memory } = env;
    const targetBytes = memory.copy(targetPtr, targetSize);
    const service = memory.latin1(servicePtr, serviceSize);
    const method = memory.latin1(methodPtr, methodSize);
    const metadata = memory.copy(metadataPtr, metadataSize);
    const message = memory.copy(messagePtr, messageSize);
    if (!targetBytes || service === undefined || method === undefined || !metadata || !message)
      return Status.InvalidMemoryAccess;
    const to = target(env, targetBytes);
    if (typeof to === "number") return to;
    const request = {
      target: to,
      service,
      method,
      metadata: callHeaders("request", metadata),
      timeoutMs: timeout >>> 0,
    };
    const id = env.context.root.grpcCalls.startCall(request, message);
    return id === undefined ? Status.InternalFailure : env.put32(idAt, id);
  },
  proxy_grpc_stream(
    targetPtr,
    targetSize,
    servicePtr,
    serviceSize,
    methodPtr,
    methodSize,
    metadataPtr,
    metadataSize,
    idAt,
  ) {
    const { memory } = env;
    const targetBytes = memory.copy(targetPtr, targetSize);
    const service = memory.latin1(servicePtr, serviceSize);
    const method = memory.latin1(methodPtr, methodSize);
    const metadata = memory.copy(metadataPtr, metadataSize);
    if (!targetBytes || service === undefined || method === undefined || !metadata)
      return Status.InvalidMemoryAccess;
    const to = target(env, targetBytes);
    if (typeof to === "number") return to;
    const request = {
      target: to,
      service,
      method,
      metadata: callHeaders("request", metadata),
      timeoutMs: undefined,
    };
    const id = env.context.root.grpcCalls.startStream(request);
    return id === undefined ? Status.InternalFailure : env.put32(idAt, id);
  },
  proxy_grpc_send(id, ptr, size, endOfStream) {
    const message = env.memory.copy(ptr, size);
    if (!message) return Status.InvalidMemoryAccess;
    return env.context.root.grpcCalls.send(id >>> 0, message, endOfStream !== 0);
  },
  proxy_grpc_cancel: (id) => env.context.root.grpcCalls.cancel(id >>> 0),
  proxy_grpc_close: (id) => env.context.root.grpcCalls.close(id >>> 0),
});
