import "./abort";
import { created, run } from "./puppet/run";

/** The scripted guest: its plugin configuration says what it does in each callback. See README.md. */

export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_context_create(context: u32, parent: u32): void {
  created(context, parent);
  run("context_create", context, ["parent"], [parent], 0);
}

export function proxy_on_vm_start(context: u32, size: u32): u32 {
  return run("vm_start", context, ["size"], [size], 1);
}

export function proxy_on_configure(context: u32, size: u32): u32 {
  return run("configure", context, ["size"], [size], 1);
}

export function proxy_on_tick(context: u32): void {
  run("tick", context, [], [], 0);
}

export function proxy_on_request_headers(context: u32, count: u32, eos: u32): u32 {
  return run("request_headers", context, ["count", "eos"], [count, eos], 0);
}

export function proxy_on_request_body(context: u32, size: u32, eos: u32): u32 {
  return run("request_body", context, ["size", "eos"], [size, eos], 0);
}

export function proxy_on_request_trailers(context: u32, count: u32): u32 {
  return run("request_trailers", context, ["count"], [count], 0);
}

export function proxy_on_response_headers(context: u32, count: u32, eos: u32): u32 {
  return run("response_headers", context, ["count", "eos"], [count, eos], 0);
}

export function proxy_on_response_body(context: u32, size: u32, eos: u32): u32 {
  return run("response_body", context, ["size", "eos"], [size, eos], 0);
}

export function proxy_on_response_trailers(context: u32, count: u32): u32 {
  return run("response_trailers", context, ["count"], [count], 0);
}

export function proxy_on_new_connection(context: u32): u32 {
  return run("new_connection", context, [], [], 0);
}

export function proxy_on_downstream_data(context: u32, size: u32, eos: u32): u32 {
  return run("downstream_data", context, ["size", "eos"], [size, eos], 0);
}

export function proxy_on_upstream_data(context: u32, size: u32, eos: u32): u32 {
  return run("upstream_data", context, ["size", "eos"], [size, eos], 0);
}

export function proxy_on_downstream_connection_close(context: u32, peer: u32): void {
  run("downstream_connection_close", context, ["peer"], [peer], 0);
}

export function proxy_on_upstream_connection_close(context: u32, peer: u32): void {
  run("upstream_connection_close", context, ["peer"], [peer], 0);
}

export function proxy_on_http_call_response(
  context: u32,
  call: u32,
  headers: u32,
  size: u32,
  trailers: u32,
): void {
  run(
    "http_call_response",
    context,
    ["call", "headers", "size", "trailers"],
    [call, headers, size, trailers],
    0,
  );
}

export function proxy_on_grpc_receive_initial_metadata(context: u32, call: u32, count: u32): void {
  run("grpc_receive_initial_metadata", context, ["call", "count"], [call, count], 0);
}

export function proxy_on_grpc_receive(context: u32, call: u32, size: u32): void {
  run("grpc_receive", context, ["call", "size"], [call, size], 0);
}

export function proxy_on_grpc_receive_trailing_metadata(context: u32, call: u32, count: u32): void {
  run("grpc_receive_trailing_metadata", context, ["call", "count"], [call, count], 0);
}

export function proxy_on_grpc_close(context: u32, call: u32, status: u32): void {
  run("grpc_close", context, ["call", "status"], [call, status], 0);
}

export function proxy_on_queue_ready(context: u32, queue: u32): void {
  run("queue_ready", context, ["queue"], [queue], 0);
}

export function proxy_on_log(context: u32): void {
  run("log", context, [], [], 0);
}

export function proxy_on_done(context: u32): u32 {
  return run("done", context, [], [], 1);
}

export function proxy_on_delete(context: u32): void {
  run("delete", context, [], [], 0);
}
