import type * as z from "zod";
import type { Http2Config } from "../model";
import type { http2Options } from "../schema/http2";

const MIB = 1_048_576;

/** `Http2ProtocolOptions` with Envoy's defaults. */
export function convertHttp2(raw: z.output<typeof http2Options>): Http2Config {
  return {
    allowConnect: raw.allow_connect ?? false,
    tableSize: raw.hpack_table_size ?? 4096,
    maxConcurrentStreams: raw.max_concurrent_streams ?? 1024,
    streamWindow: raw.initial_stream_window_size ?? 16 * MIB,
    connectionWindow: raw.initial_connection_window_size ?? 24 * MIB,
  };
}
