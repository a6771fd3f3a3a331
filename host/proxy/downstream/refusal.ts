import type { IncomingMessage } from "node:http";
import type { HttpStats } from "./http-stats";
import type { RequestHead } from "./request-headers";

/** Envoy's default `max_headers_count`. */
const MAX_HEADERS = 100;

/** A refusal decided before any filter runs. */
export interface Refusal {
  status: number;
  details: string;
  body: string;
  /** The connection goes on. */
  keeps?: boolean;
}

/** Why a request that node:http could read is not served; undefined when it is. */
export function refusalOf(
  request: IncomingMessage,
  head: RequestHead,
  stats: HttpStats,
): Refusal | undefined {
  if (request.httpVersion !== "1.1") return codecError(426, "Upgrade Required");
  if (request.rawHeaders.length / 2 > MAX_HEADERS) return codecError(431, "Request Header Fields Too Large");
  const { transferEncoding } = head;
  if (transferEncoding !== undefined && transferEncoding.toLowerCase() !== "chunked") {
    return codecError(501, "Not Implemented");
  }
  if (!head.error) return undefined;
  const { status, details } = head.error;
  if (details === "path_normalization_failed") stats.downstream_rq_failed_path_normalization.inc();
  if (details === "absolute_path_rejected") stats.downstream_rq_non_relative_path.inc();
  if (details === "http1.codec_error") return codecError(status, "Bad Request");
  return { status, details, body: "", keeps: status === 404 };
}

function codecError(status: number, body: string): Refusal {
  return { status, details: "http1.codec_error", body };
}
