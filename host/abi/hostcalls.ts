import type { ArgsOf, SignatureRow } from "./signature";

/**
 * Every hostcall once, by section of the spec. The import object, the types of the implementations, the call
 * trace, the docs matrix and the signature check all come from here. All return an i32 status.
 */
export const HOSTCALLS = {
  // Logging, clock
  proxy_log: {
    params: [
      ["level", "level"],
      ["message", "in"],
    ],
  },
  proxy_get_log_level: { params: [["level", "out32"]], since: "0.2.1" },
  proxy_get_current_time_nanoseconds: { params: [["time", "out64"]] },
  // Timers, contexts
  proxy_set_tick_period_milliseconds: { params: [["period", "u32"]] },
  proxy_set_effective_context: { params: [["context", "u32"]] },
  proxy_done: { params: [] },
  // Configuration, before it became buffers 6 and 7
  proxy_get_configuration: { params: [["configuration", "out"]], until: "0.1.0" },
  // Buffers
  proxy_get_buffer_bytes: {
    params: [
      ["buffer", "buffer"],
      ["start", "u32"],
      ["max", "u32"],
      ["bytes", "out"],
    ],
  },
  proxy_get_buffer_status: {
    params: [
      ["buffer", "buffer"],
      ["length", "out32"],
      ["flags", "out32"],
    ],
  },
  proxy_set_buffer_bytes: {
    params: [
      ["buffer", "buffer"],
      ["start", "u32"],
      ["size", "u32"],
      ["bytes", "in"],
    ],
  },
  // Header maps
  proxy_get_header_map_size: {
    params: [
      ["map", "map"],
      ["size", "out32"],
    ],
  },
  proxy_get_header_map_pairs: {
    params: [
      ["map", "map"],
      ["pairs", "outPairs"],
    ],
  },
  proxy_set_header_map_pairs: {
    params: [
      ["map", "map"],
      ["pairs", "pairs"],
    ],
  },
  proxy_get_header_map_value: {
    params: [
      ["map", "map"],
      ["key", "in"],
      ["value", "out"],
    ],
  },
  proxy_add_header_map_value: {
    params: [
      ["map", "map"],
      ["key", "in"],
      ["value", "in"],
    ],
  },
  proxy_replace_header_map_value: {
    params: [
      ["map", "map"],
      ["key", "in"],
      ["value", "in"],
    ],
  },
  proxy_remove_header_map_value: {
    params: [
      ["map", "map"],
      ["key", "in"],
    ],
  },
  // Streams
  proxy_continue_stream: { params: [["stream", "stream"]], since: "0.2.0" },
  proxy_close_stream: { params: [["stream", "stream"]], since: "0.2.0" },
  // The same before streams were numbered; the specification types them as void, Envoy as every other hostcall.
  proxy_continue_request: { params: [], until: "0.1.0" },
  proxy_continue_response: { params: [], until: "0.1.0" },
  proxy_clear_route_cache: { params: [], until: "0.1.0" },
  proxy_send_local_response: {
    params: [
      ["code", "u32"],
      ["details", "in"],
      ["body", "in"],
      ["headers", "pairs"],
      ["grpcStatus", "u32"],
    ],
  },
  // HTTP calls
  proxy_http_call: {
    params: [
      ["cluster", "in"],
      ["headers", "pairs"],
      ["body", "in"],
      ["trailers", "pairs"],
      ["timeout", "u32"],
      ["call", "out32"],
    ],
  },
  proxy_get_status: {
    params: [
      ["code", "out32"],
      ["message", "out"],
    ],
  },
  // gRPC calls
  proxy_grpc_call: {
    params: [
      ["service", "in"],
      ["name", "in"],
      ["method", "in"],
      ["metadata", "pairs"],
      ["message", "in"],
      ["timeout", "u32"],
      ["call", "out32"],
    ],
  },
  proxy_grpc_stream: {
    params: [
      ["service", "in"],
      ["name", "in"],
      ["method", "in"],
      ["metadata", "pairs"],
      ["call", "out32"],
    ],
  },
  proxy_grpc_send: {
    params: [
      ["call", "u32"],
      ["message", "in"],
      ["endOfStream", "bool"],
    ],
  },
  proxy_grpc_cancel: { params: [["call", "u32"]] },
  proxy_grpc_close: { params: [["call", "u32"]] },
  // Shared data
  proxy_get_shared_data: {
    params: [
      ["key", "in"],
      ["value", "out"],
      ["cas", "out32"],
    ],
  },
  proxy_set_shared_data: {
    params: [
      ["key", "in"],
      ["value", "in"],
      ["cas", "u32"],
    ],
  },
  // Shared queues
  proxy_register_shared_queue: {
    params: [
      ["name", "in"],
      ["queue", "out32"],
    ],
  },
  proxy_resolve_shared_queue: {
    params: [
      ["vmId", "in"],
      ["name", "in"],
      ["queue", "out32"],
    ],
  },
  proxy_enqueue_shared_queue: {
    params: [
      ["queue", "u32"],
      ["data", "in"],
    ],
  },
  proxy_dequeue_shared_queue: {
    params: [
      ["queue", "u32"],
      ["data", "out"],
    ],
  },
  // Metrics
  proxy_define_metric: {
    params: [
      ["type", "metric"],
      ["name", "in"],
      ["id", "out32"],
    ],
  },
  proxy_increment_metric: {
    params: [
      ["id", "u32"],
      ["delta", "i64"],
    ],
  },
  proxy_record_metric: {
    params: [
      ["id", "u32"],
      ["value", "i64"],
    ],
  },
  proxy_get_metric: {
    params: [
      ["id", "u32"],
      ["value", "out64"],
    ],
  },
  // Properties
  proxy_get_property: {
    params: [
      ["path", "path"],
      ["value", "out"],
    ],
  },
  proxy_set_property: {
    params: [
      ["path", "path"],
      ["value", "in"],
    ],
  },
  // Foreign functions
  proxy_call_foreign_function: {
    params: [
      ["name", "in"],
      ["argument", "in"],
      ["result", "out"],
    ],
  },
  // Envoy's own, beside the specification
  envoy_resolve_dns: {
    params: [
      ["name", "in"],
      ["token", "out32"],
    ],
  },
} as const satisfies Record<string, SignatureRow>;

export type HostcallName = keyof typeof HOSTCALLS;

/** The implementation of one hostcall: wasm arguments in, status out. */
export type Hostcall<N extends HostcallName> = (...args: ArgsOf<(typeof HOSTCALLS)[N]["params"]>) => number;

/** Implementations of some hostcalls; each section of the spec contributes one such record. */
export type Hostcalls<N extends HostcallName = HostcallName> = { [K in N]: Hostcall<K> };
