import type { Param, SignatureRow } from "./signature";

export interface CallbackRow extends SignatureRow {
  /** `bool`: any non-zero is true; `action`: what the proxy does next. Absent = no result. */
  readonly result?: "bool" | "action";
  /** Parameters in ABI 0.1.0 where they differ. */
  readonly params010?: readonly Param[];
}

const context: Param = ["context", "u32"];
const endOfStream: Param = ["endOfStream", "bool"];
const headers: readonly Param[] = [context, ["headers", "u32"], endOfStream];
const headers010: readonly Param[] = [context, ["headers", "u32"]];
const body: readonly Param[] = [context, ["size", "u32"], endOfStream];
const trailers: readonly Param[] = [context, ["trailers", "u32"]];
const metadata: readonly Param[] = [context, ["elements", "u32"]];

/** Every callback a module may export, by section of the spec. */
export const CALLBACKS = {
  // Contexts
  proxy_on_context_create: { params: [context, ["parent", "u32"]] },
  proxy_on_vm_start: { params: [context, ["size", "u32"]], result: "bool" },
  proxy_on_configure: { params: [context, ["size", "u32"]], result: "bool" },
  proxy_on_done: { params: [context], result: "bool" },
  proxy_on_log: { params: [context] },
  proxy_on_delete: { params: [context] },
  // Timers
  proxy_on_tick: { params: [context] },
  // HTTP streams
  proxy_on_request_headers: { params: headers, params010: headers010, result: "action" },
  proxy_on_request_body: { params: body, result: "action" },
  proxy_on_request_trailers: { params: trailers, result: "action" },
  proxy_on_request_metadata: { params: metadata, result: "action" },
  proxy_on_response_headers: { params: headers, params010: headers010, result: "action" },
  proxy_on_response_body: { params: body, result: "action" },
  proxy_on_response_trailers: { params: trailers, result: "action" },
  proxy_on_response_metadata: { params: metadata, result: "action" },
  // TCP streams
  proxy_on_new_connection: { params: [context], result: "action" },
  proxy_on_downstream_data: { params: body, result: "action" },
  proxy_on_upstream_data: { params: body, result: "action" },
  proxy_on_downstream_connection_close: { params: [context, ["peer", "u32"]] },
  proxy_on_upstream_connection_close: { params: [context, ["peer", "u32"]] },
  // HTTP calls
  proxy_on_http_call_response: {
    params: [context, ["call", "u32"], ["headers", "u32"], ["size", "u32"], ["trailers", "u32"]],
  },
  // gRPC calls
  proxy_on_grpc_receive_initial_metadata: { params: [context, ["call", "u32"], ["elements", "u32"]] },
  proxy_on_grpc_receive: { params: [context, ["call", "u32"], ["size", "u32"]] },
  proxy_on_grpc_receive_trailing_metadata: { params: [context, ["call", "u32"], ["elements", "u32"]] },
  proxy_on_grpc_close: { params: [context, ["call", "u32"], ["status", "u32"]] },
  // Queues, foreign functions
  proxy_on_queue_ready: { params: [context, ["queue", "u32"]] },
  proxy_on_foreign_function: {
    params: [context, ["function", "u32"], ["size", "u32"]],
    since: "0.2.0",
  },
  proxy_validate_configuration: { params: [context, ["size", "u32"]], result: "bool" },
  // Envoy's own, beside the specification
  envoy_on_resolve_dns: { params: [context, ["call", "u32"], ["size", "u32"]] },
  envoy_on_stats_update: { params: [context, ["size", "u32"]] },
} as const satisfies Record<string, CallbackRow>;

export type CallbackName = keyof typeof CALLBACKS;
