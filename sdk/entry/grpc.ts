import { closed, initialMetadataCame, messageCame, trailingMetadataCame } from "../contexts/grpc-events";
import { collectIfDue } from "../memory/heap";

// A call that fails at once is told of inside the hostcall that starts it, in Envoy: nothing may be collected then.

export function proxy_on_grpc_receive_initial_metadata(rootId: u32, id: u32, count: u32): void {
  if (initialMetadataCame(rootId, id)) collectIfDue();
}

export function proxy_on_grpc_receive(rootId: u32, id: u32, size: u32): void {
  if (messageCame(rootId, id)) collectIfDue();
}

export function proxy_on_grpc_receive_trailing_metadata(rootId: u32, id: u32, count: u32): void {
  if (trailingMetadataCame(rootId, id)) collectIfDue();
}

export function proxy_on_grpc_close(rootId: u32, id: u32, status: i32): void {
  if (closed(rootId, id, status)) collectIfDue();
}
