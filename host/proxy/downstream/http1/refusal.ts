import type { IncomingMessage } from "node:http";
import type { DownstreamCodecConfig } from "../../../config/model";
import type { Refusal } from "../refusal";
import type { RequestHead } from "./request-headers";

/** Why a request that node:http could read is not served; undefined when it is. */
export function refusalOf(
  request: IncomingMessage,
  head: RequestHead,
  { acceptHttp10, limits }: DownstreamCodecConfig,
): Refusal | undefined {
  if (request.httpVersion !== "1.1" && !acceptHttp10) return codecError(426, "low_version");
  if (request.rawHeaders.length / 2 > limits.count) return codecError(431, "http1.too_many_headers");
  const { transferEncoding, contentLength } = head;
  if (transferEncoding !== undefined && contentLength !== undefined)
    return codecError(400, "http1.content_length_and_chunked_not_allowed");
  if (transferEncoding !== undefined && transferEncoding.toLowerCase() !== "chunked") {
    return codecError(501, "http1.invalid_transfer_encoding");
  }
  return head.error;
}

/** The refusal of bytes that node:http could not read. */
export function refusalOfBytes(error: { code?: string; reason?: string }): Refusal {
  if (error.code === "HPE_HEADER_OVERFLOW") return codecError(431, "http1.headers_too_large");
  if (error.code === "HPE_INVALID_TRANSFER_ENCODING" && !error.reason?.includes("Content-Length")) {
    return codecError(501, "http1.invalid_transfer_encoding");
  }
  if (error.reason === "Invalid HTTP version") return codecError(426, "low_version");
  return codecError(400, "http1.codec_error");
}

export function codecError(status: number, details: string): Refusal {
  return { status, details, codec: true };
}
