import { message } from "./message";
import { bool, duration } from "./scalars";

/** Time limits in `HttpConnectionManager` itself. */
export const managerTimeouts = {
  stream_idle_timeout: duration,
  request_timeout: duration,
  request_headers_timeout: duration,
  drain_timeout: duration,
  delayed_close_timeout: duration,
  http1_safe_max_connection_duration: bool,
};

/** Time limits in a connection manager's `common_http_protocol_options`. */
export const downstreamLimits = {
  idle_timeout: duration,
  max_connection_duration: duration,
  max_stream_duration: duration,
};

/** The same for the connections of a cluster. */
export const upstreamLimits = {
  idle_timeout: duration,
  max_stream_duration: duration,
};

/** Time limits in `RouteAction`. */
export const routeTimeouts = {
  timeout: duration,
  idle_timeout: duration,
  max_stream_duration: message(
    {},
    {
      max_stream_duration: duration,
      grpc_timeout_header_max: duration,
      grpc_timeout_header_offset: duration,
    },
  ),
  // Deprecated by the former, and read all the same.
  max_grpc_timeout: duration,
  grpc_timeout_offset: duration,
};
