import type { ManagerTimeouts, RouteTimeouts } from "../model";
import { durationMs } from "../schema/scalars";

const DEFAULT_STREAM_IDLE_MS = 300_000;
const DEFAULT_CONNECTION_IDLE_MS = 3_600_000;
const DEFAULT_DRAIN_MS = 5000;
const DEFAULT_DELAYED_CLOSE_MS = 1000;

type Durations<K extends string> = { readonly [N in K]?: string | undefined };

type RawManager = Durations<
  | "stream_idle_timeout"
  | "request_timeout"
  | "request_headers_timeout"
  | "drain_timeout"
  | "delayed_close_timeout"
> & {
  readonly http1_safe_max_connection_duration?: boolean | undefined;
  readonly common_http_protocol_options?:
    | Durations<"idle_timeout" | "max_connection_duration" | "max_stream_duration">
    | undefined;
};
type RawRoute = Durations<"idle_timeout" | "max_grpc_timeout" | "grpc_timeout_offset"> & {
  readonly max_stream_duration?:
    | Durations<"max_stream_duration" | "grpc_timeout_header_max" | "grpc_timeout_header_offset">
    | undefined;
};

/** Whole milliseconds, as Envoy counts time limits. */
export function wholeMs(value: string): number;
export function wholeMs(value: string | undefined): number | undefined;
export function wholeMs(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Math.floor(durationMs(value));
}

/** The limits of a connection manager with Envoy's defaults. */
export function convertManagerTimeouts(raw: RawManager): ManagerTimeouts {
  const { common_http_protocol_options: common } = raw;
  return {
    streamIdleMs: wholeMs(raw.stream_idle_timeout) ?? DEFAULT_STREAM_IDLE_MS,
    requestMs: wholeMs(raw.request_timeout) ?? 0,
    requestHeadersMs: wholeMs(raw.request_headers_timeout) ?? 0,
    maxStreamMs: wholeMs(common?.max_stream_duration) ?? 0,
    connectionIdleMs: wholeMs(common?.idle_timeout) ?? DEFAULT_CONNECTION_IDLE_MS,
    maxConnectionMs: wholeMs(common?.max_connection_duration),
    safeMaxConnection: raw.http1_safe_max_connection_duration ?? false,
    drainMs: wholeMs(raw.drain_timeout) ?? DEFAULT_DRAIN_MS,
    delayedCloseMs: wholeMs(raw.delayed_close_timeout) ?? DEFAULT_DELAYED_CLOSE_MS,
  };
}

export function convertRouteTimeouts(raw: RawRoute): RouteTimeouts {
  const { max_stream_duration: maxStream } = raw;
  return {
    idleMs: wholeMs(raw.idle_timeout),
    maxStream: maxStream && {
      durationMs: wholeMs(maxStream.max_stream_duration),
      grpcHeaderMaxMs: wholeMs(maxStream.grpc_timeout_header_max),
      grpcHeaderOffsetMs: wholeMs(maxStream.grpc_timeout_header_offset),
    },
    maxGrpcMs: wholeMs(raw.max_grpc_timeout),
    grpcOffsetMs: wholeMs(raw.grpc_timeout_offset),
  };
}
