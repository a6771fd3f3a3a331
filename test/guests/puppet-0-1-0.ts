import { run } from "./puppet/run";

/** The puppet as a module of ABI 0.1.0: headers callbacks without end-of-stream, hostcalls of its own. */
export function proxy_abi_version_0_1_0(): void {}

export function proxy_on_request_headers(context: u32, count: u32): u32 {
  return run("request_headers", context, ["count"], [count], 0);
}

export function proxy_on_response_headers(context: u32, count: u32): u32 {
  return run("response_headers", context, ["count"], [count], 0);
}

export {
  malloc,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_delete,
  proxy_on_done,
  proxy_on_downstream_connection_close,
  proxy_on_downstream_data,
  proxy_on_grpc_close,
  proxy_on_grpc_receive,
  proxy_on_grpc_receive_initial_metadata,
  proxy_on_grpc_receive_trailing_metadata,
  proxy_on_http_call_response,
  proxy_on_log,
  proxy_on_new_connection,
  proxy_on_queue_ready,
  proxy_on_request_body,
  proxy_on_request_trailers,
  proxy_on_response_body,
  proxy_on_response_trailers,
  proxy_on_tick,
  proxy_on_upstream_connection_close,
  proxy_on_upstream_data,
  proxy_on_vm_start,
} from "./puppet";
