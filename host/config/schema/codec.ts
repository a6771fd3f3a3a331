import { message } from "./message";
import { bool, enumeration, text, u32 } from "./scalars";

const within = (min: number, max: number) =>
  u32.refine((n) => n >= min && n <= max, `must be from ${min} to ${max}`).meta({ type: "uint32" });
const atLeastOne = u32.refine((n) => n >= 1, "must be at least 1").meta({ type: "uint32" });

/** In `HttpConnectionManager` itself. */
export const managerLimits = { max_request_headers_kb: within(1, 8192) };

/** In a connection manager's `common_http_protocol_options`. */
export const downstreamMessages = {
  max_headers_count: atLeastOne,
  max_requests_per_connection: u32,
  headers_with_underscores_action: enumeration({ 0: "ALLOW", 1: "REJECT_REQUEST", 2: "DROP_HEADER" }),
};

/** In a cluster's. */
export const upstreamMessages = {
  max_headers_count: atLeastOne,
  max_response_headers_kb: within(1, 8192),
};

const headerKeyFormat = message({ proper_case_words: message({}, {}) }, {});

/** `core.v3.Http1ProtocolOptions` of a connection manager. */
export const downstreamHttp1 = message(
  {},
  {
    enable_trailers: bool,
    accept_http_10: bool,
    default_host_for_http_10: text,
    allow_absolute_url: bool,
    allow_chunked_length: bool,
    header_key_format: headerKeyFormat,
  },
);

/** `core.v3.Http1ProtocolOptions` of a cluster. */
export const upstreamHttp1 = message({}, { enable_trailers: bool, header_key_format: headerKeyFormat });
