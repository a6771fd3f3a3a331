import { proxy_grpc_cancel, proxy_grpc_close } from "../env";
import { GrpcCall } from "./grpc-call";
import { findExchange, GrpcExchange } from "./grpc-exchange";
import { GrpcStream } from "./grpc-stream";

/** The low bits of an id tell streams from calls. */
function isStream(id: u32): bool {
  return (id & 3) == 2;
}

/** A stream's event whose owner has gone: there is nobody to tell, and no more to wait for. */
function abandon(exchange: GrpcExchange): void {
  proxy_grpc_cancel(exchange.callId);
  exchange.forget();
}

/** @internal The functions below answer whether somebody was waiting. */
export function initialMetadataCame(rootId: u32, id: u32): bool {
  const exchange = findExchange(id);
  if (exchange == null) return false;
  if (exchange.resume(rootId)) changetype<GrpcStream>(exchange).onInitialMetadata();
  else abandon(exchange);
  return true;
}

export function messageCame(rootId: u32, id: u32): bool {
  const exchange = findExchange(id);
  if (exchange == null) return false;
  const resumed = exchange.resume(rootId);
  if (!isStream(id)) {
    exchange.forget();
    if (resumed) changetype<GrpcCall>(exchange).onResponse();
  } else if (resumed) changetype<GrpcStream>(exchange).onMessage();
  else abandon(exchange);
  return true;
}

export function trailingMetadataCame(rootId: u32, id: u32): bool {
  const exchange = findExchange(id);
  if (exchange == null) return false;
  if (exchange.resume(rootId)) changetype<GrpcStream>(exchange).onTrailingMetadata();
  else abandon(exchange);
  return true;
}

export function closed(rootId: u32, id: u32, status: i32): bool {
  const exchange = findExchange(id);
  if (exchange == null) return false;
  exchange.forget();
  // The host remembers a stream until both sides have closed it.
  if (isStream(id)) proxy_grpc_close(id);
  if (!exchange.resume(rootId)) return true;
  if (isStream(id)) changetype<GrpcStream>(exchange).onClose(status);
  else changetype<GrpcCall>(exchange).onFailure(status);
  return true;
}
