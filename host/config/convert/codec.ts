import type * as z from "zod";
import type { DownstreamCodecConfig, UpstreamCodecConfig } from "../model";
import type { downstreamHttp1, upstreamHttp1 } from "../schema/codec";

const KIB = 1024;

interface DownstreamParts {
  max_request_headers_kb?: number | undefined;
  common_http_protocol_options?:
    | {
        max_headers_count?: number | undefined;
        max_requests_per_connection?: number | undefined;
        headers_with_underscores_action?: DownstreamCodecConfig["underscores"] | undefined;
      }
    | undefined;
  http_protocol_options?: z.output<typeof downstreamHttp1> | undefined;
  http2_protocol_options?:
    | { override_stream_error_on_invalid_http_message?: boolean | undefined }
    | undefined;
}

/** A connection manager's codecs, with Envoy's defaults. */
export function convertDownstreamCodec({
  max_request_headers_kb: kb,
  common_http_protocol_options: common,
  http_protocol_options: http1,
  http2_protocol_options: http2,
}: DownstreamParts): DownstreamCodecConfig {
  return {
    limits: { bytes: (kb ?? 60) * KIB, count: common?.max_headers_count ?? 100 },
    underscores: common?.headers_with_underscores_action ?? "ALLOW",
    maxRequests: common?.max_requests_per_connection ?? 0,
    streamErrors: http2?.override_stream_error_on_invalid_http_message ?? false,
    enableTrailers: http1?.enable_trailers ?? false,
    acceptHttp10: http1?.accept_http_10 ?? false,
    defaultHost: http1?.default_host_for_http_10 ?? "",
    absoluteUrl: http1?.allow_absolute_url ?? true,
    chunkedLength: http1?.allow_chunked_length ?? false,
    properCase: http1?.header_key_format !== undefined,
  };
}

interface UpstreamParts {
  common_http_protocol_options?:
    | { max_headers_count?: number | undefined; max_response_headers_kb?: number | undefined }
    | undefined;
  explicit_http_config?: { http_protocol_options?: z.output<typeof upstreamHttp1> | undefined } | undefined;
}

/** A cluster's codecs, with Envoy's defaults: HTTP/1.1 takes more of a response than HTTP/2. */
export function convertUpstreamCodec(raw: UpstreamParts, http2: boolean): UpstreamCodecConfig {
  const common = raw.common_http_protocol_options;
  const http1 = raw.explicit_http_config?.http_protocol_options;
  return {
    limits: {
      bytes: (common?.max_response_headers_kb ?? (http2 ? 60 : 80)) * KIB,
      count: common?.max_headers_count ?? 100,
    },
    enableTrailers: http1?.enable_trailers ?? false,
    properCase: http1?.header_key_format !== undefined,
  };
}
