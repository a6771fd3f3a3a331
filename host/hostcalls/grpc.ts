import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { GrpcRequest } from "../context/grpc-caller";
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

/** The arguments with which a call and a stream begin, pointers and sizes in turn. */
type Start = [
  targetPtr: number,
  targetSize: number,
  servicePtr: number,
  serviceSize: number,
  methodPtr: number,
  methodSize: number,
  metadataPtr: number,
  metadataSize: number,
];

/** What a call and a stream begin with, or why they do not. */
function request(env: HostcallEnv, start: Start): GrpcRequest | Status {
  const { memory } = env;
  const [targetPtr, targetSize, servicePtr, serviceSize, methodPtr, methodSize, metadataPtr, metadataSize] =
    start;
  const targetBytes = memory.copy(targetPtr, targetSize);
  const service = memory.latin1(servicePtr, serviceSize);
  const method = memory.latin1(methodPtr, methodSize);
  const metadata = memory.copy(metadataPtr, metadataSize);
  if (!targetBytes || service === undefined || method === undefined || !metadata)
    return Status.InvalidMemoryAccess;
  const to = target(env, targetBytes);
  if (typeof to === "number") return to;
  return { target: to, service, method, metadata: callHeaders("request", metadata), timeoutMs: undefined };
}

export const grpc = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_grpc_call(...args) {
    const [messagePtr, messageSize, timeout, idAt] = args.slice(8) as [number, number, number, number];
    const message = env.memory.copy(messagePtr, messageSize);
    if (!message) return Status.InvalidMemoryAccess;
    const call = request(env, args.slice(0, 8) as Start);
    if (typeof call === "number") return call;
    const id = env.context.root.grpcCalls.startCall({ ...call, timeoutMs: timeout >>> 0 }, message);
    return id === undefined ? Status.InternalFailure : env.put32(idAt, id);
  },
  proxy_grpc_stream(...args) {
    const stream = request(env, args.slice(0, 8) as Start);
    if (typeof stream === "number") return stream;
    const id = env.context.root.grpcCalls.startStream(stream);
    return id === undefined ? Status.InternalFailure : env.put32(args[8], id);
  },
  proxy_grpc_send(id, ptr, size, endOfStream) {
    const message = env.memory.copy(ptr, size);
    if (!message) return Status.InvalidMemoryAccess;
    return env.context.root.grpcCalls.send(id >>> 0, message, endOfStream !== 0);
  },
  proxy_grpc_cancel: (id) => env.context.root.grpcCalls.cancel(id >>> 0),
  proxy_grpc_close: (id) => env.context.root.grpcCalls.close(id >>> 0),
});
