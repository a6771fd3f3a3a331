/**
 * The raw imports of ABI 0.2.1, in the order of the specification. The file's name is the name of the import
 * module. Every function returns a `Status`; `out*` parameters are addresses the host writes to.
 * Filters use the typed wrappers in `hostcalls/`, which follow Envoy's rules on memory and missing values.
 */

// Logging
export declare function proxy_log(level: i32, message: usize, size: usize): i32;
export declare function proxy_get_log_level(outLevel: usize): i32;

// Clocks
export declare function proxy_get_current_time_nanoseconds(outTime: usize): i32;

// Timers
export declare function proxy_set_tick_period_milliseconds(period: u32): i32;

// Contexts
export declare function proxy_set_effective_context(contextId: u32): i32;
export declare function proxy_done(): i32;

// Buffers
export declare function proxy_get_buffer_bytes(
  type: i32,
  start: usize,
  maxSize: usize,
  outData: usize,
  outSize: usize,
): i32;
export declare function proxy_get_buffer_status(type: i32, outSize: usize, outFlags: usize): i32;
export declare function proxy_set_buffer_bytes(
  type: i32,
  start: usize,
  size: usize,
  data: usize,
  dataSize: usize,
): i32;

// Header maps
export declare function proxy_get_header_map_size(map: i32, outSize: usize): i32;
export declare function proxy_get_header_map_pairs(map: i32, outData: usize, outSize: usize): i32;
export declare function proxy_set_header_map_pairs(map: i32, data: usize, size: usize): i32;
export declare function proxy_get_header_map_value(
  map: i32,
  key: usize,
  keySize: usize,
  outData: usize,
  outSize: usize,
): i32;
export declare function proxy_add_header_map_value(
  map: i32,
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_replace_header_map_value(
  map: i32,
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_remove_header_map_value(map: i32, key: usize, keySize: usize): i32;

// Streams
export declare function proxy_continue_stream(type: i32): i32;
export declare function proxy_close_stream(type: i32): i32;
export declare function proxy_get_status(outCode: usize, outData: usize, outSize: usize): i32;

// Local responses
export declare function proxy_send_local_response(
  statusCode: u32,
  details: usize,
  detailsSize: usize,
  body: usize,
  bodySize: usize,
  headers: usize,
  headersSize: usize,
  grpcStatus: i32,
): i32;

// HTTP calls
export declare function proxy_http_call(
  upstream: usize,
  upstreamSize: usize,
  headers: usize,
  headersSize: usize,
  body: usize,
  bodySize: usize,
  trailers: usize,
  trailersSize: usize,
  timeout: u32,
  outCallId: usize,
): i32;

// gRPC calls
export declare function proxy_grpc_call(
  upstream: usize,
  upstreamSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  message: usize,
  messageSize: usize,
  timeout: u32,
  outCallId: usize,
): i32;
export declare function proxy_grpc_stream(
  upstream: usize,
  upstreamSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  outStreamId: usize,
): i32;
export declare function proxy_grpc_send(id: u32, message: usize, messageSize: usize, endOfStream: u32): i32;
export declare function proxy_grpc_cancel(id: u32): i32;
export declare function proxy_grpc_close(id: u32): i32;

// Shared data
export declare function proxy_get_shared_data(
  key: usize,
  keySize: usize,
  outData: usize,
  outSize: usize,
  outCas: usize,
): i32;
export declare function proxy_set_shared_data(
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
  cas: u32,
): i32;

// Shared queues
export declare function proxy_register_shared_queue(name: usize, nameSize: usize, outQueueId: usize): i32;
export declare function proxy_resolve_shared_queue(
  vmId: usize,
  vmIdSize: usize,
  name: usize,
  nameSize: usize,
  outQueueId: usize,
): i32;
export declare function proxy_dequeue_shared_queue(queueId: u32, outData: usize, outSize: usize): i32;
export declare function proxy_enqueue_shared_queue(queueId: u32, data: usize, size: usize): i32;

// Metrics
export declare function proxy_define_metric(type: i32, name: usize, nameSize: usize, outMetricId: usize): i32;
export declare function proxy_increment_metric(metricId: u32, delta: i64): i32;
export declare function proxy_record_metric(metricId: u32, value: i64): i32;
export declare function proxy_get_metric(metricId: u32, outValue: usize): i32;

// Properties
export declare function proxy_get_property(path: usize, pathSize: usize, outData: usize, outSize: usize): i32;
export declare function proxy_set_property(path: usize, pathSize: usize, value: usize, valueSize: usize): i32;

// Foreign functions
export declare function proxy_call_foreign_function(
  name: usize,
  nameSize: usize,
  argument: usize,
  argumentSize: usize,
  outData: usize,
  outSize: usize,
): i32;

// Envoy's own, beside the specification
export declare function envoy_resolve_dns(name: usize, size: usize, outToken: usize): i32;
