import * as z from "zod";
import { message } from "./message";
import { bool, u32 } from "./scalars";

const MAX = 2_147_483_647;

const within = (min: number) =>
  u32.refine((n) => n >= min && n <= MAX, `must be from ${min} to ${MAX}`).meta({ type: "uint32" });

/** `core.v3.Http2ProtocolOptions` of clusters. */
export const http2Options = message(
  {},
  {
    allow_connect: bool,
    hpack_table_size: u32,
    max_concurrent_streams: within(1),
    initial_stream_window_size: within(65_535),
    initial_connection_window_size: within(65_535),
  },
);

/** The same of connection managers. */
export const downstreamHttp2 = z.strictObject({
  ...http2Options.shape,
  override_stream_error_on_invalid_http_message: bool.optional(),
});
