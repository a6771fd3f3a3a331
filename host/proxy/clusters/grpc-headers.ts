import type { GrpcRequest } from "../../context/grpc-caller";
import { HeaderMap } from "../../stores/header-map";

/** Most digits of a `grpc-timeout`: eight. */
const MAX_TIMEOUT = 99_999_999;

/** Milliseconds as the header writes them, in the finest unit that has room. */
export function grpcTimeout(ms: number): string {
  return ms > MAX_TIMEOUT ? `${Math.floor(ms / 1000)}S` : `${ms}m`;
}

/** The head of a gRPC request, in the order Envoy writes it. */
export function grpcHeaders({ target, service, method, metadata, timeoutMs }: GrpcRequest): HeaderMap {
  const headers = HeaderMap.of("request", [
    [":method", "POST"],
    [":path", `/${service}/${method}`],
    [":authority", target.authority || target.cluster],
    [":scheme", "http"],
    ["te", "trailers"],
  ]);
  if (timeoutMs !== undefined) headers.append("grpc-timeout", grpcTimeout(timeoutMs));
  headers.append("content-type", "application/grpc");
  for (const [name, value] of target.metadata) headers.set(name, value);
  for (const [name, value] of metadata) headers.add(name, value);
  encodeBinary(headers);
  if (!target.skipEnvoyHeaders) headers.set("x-envoy-internal", "true");
  if (timeoutMs) headers.set("x-envoy-expected-rq-timeout-ms", String(timeoutMs));
  return headers;
}

/** Metadata called `...-bin` travels as base64; of several values the first. */
function encodeBinary(headers: HeaderMap): void {
  const names = new Set([...headers].map(([name]) => name).filter((name) => name.endsWith("-bin")));
  for (const name of names) {
    const value = Buffer.from(headers.get(name)!, "latin1").toString("base64");
    headers.remove(name);
    headers.append(name, value);
  }
}

/** Largest status there is; Envoy takes others for -1. */
const MAX_STATUS = 16;

/** `grpc-status` of a head or of trailers. */
export function grpcStatus(headers: HeaderMap): number | undefined {
  const text = headers.get("grpc-status");
  if (!text) return undefined;
  const status = /^\s*\+?\d+\s*$/.test(text) ? Number(text) : -1;
  return status <= MAX_STATUS ? status : -1;
}
