import type { DownstreamCodecConfig } from "../../../config/model";
import type { Fault } from "../../http1/message-reader";
import type { RequestStart } from "../../http1/request-reader";
import type { Refusal } from "../refusal";
import type { RequestHead } from "./request-headers";

/** Why a request that could be read is not served; undefined when it is. */
export function refusalOf(
  { version }: RequestStart,
  head: RequestHead,
  count: number,
  { acceptHttp10, limits, chunkedLength }: DownstreamCodecConfig,
): Refusal | undefined {
  if (version !== "1.1" && !acceptHttp10) return codecError(426, "low_version");
  if (count > limits.count) return codecError(431, "http1.too_many_headers");
  const { transferEncoding, contentLength } = head;
  const chunked = transferEncoding?.toLowerCase() === "chunked";
  if (transferEncoding !== undefined && contentLength !== undefined && !(chunked && chunkedLength))
    return codecError(400, "http1.content_length_and_chunked_not_allowed");
  if (transferEncoding !== undefined && !chunked) return codecError(501, "http1.invalid_transfer_encoding");
  return head.error;
}

const REFUSALS: Readonly<Record<Fault, Refusal>> = {
  syntax: codecError(400, "http1.codec_error"),
  version: codecError(426, "low_version"),
  "head too large": codecError(431, "http1.headers_too_large"),
};

/** The refusal of bytes that are no request. */
export function refusalOfBytes(fault: Fault): Refusal {
  return REFUSALS[fault];
}

/** The same for what node:http has read, on the admin interface. */
export function refusalOfError(error: { code?: string; reason?: string }): Refusal {
  if (error.code === "HPE_HEADER_OVERFLOW") return REFUSALS["head too large"];
  if (error.code === "HPE_INVALID_TRANSFER_ENCODING" && !error.reason?.includes("Content-Length")) {
    return codecError(501, "http1.invalid_transfer_encoding");
  }
  return REFUSALS[error.reason === "Invalid HTTP version" ? "version" : "syntax"];
}

export function codecError(status: number, details: string): Refusal {
  return { status, details, codec: true };
}
