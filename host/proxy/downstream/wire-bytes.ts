import type { HeaderMap } from "../../stores/header-map";
import type { ByteCounts } from "../../stores/stream-times";
import { reasonPhrase } from "./reason-phrases";

/** Which way bytes go. */
export type Way = "Received" | "Sent";

/** Between a header's name and its value and behind it; Envoy leaves out the blank of those it reads. */
const AROUND: Readonly<Record<Way, number>> = { Received: 3, Sent: 4 };

interface Head {
  headers: HeaderMap;
  http2: boolean;
}

function lines({ headers, http2 }: Head): { count: number; bytes: number } {
  let count = 0;
  let bytes = 0;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    const pseudo = name.charCodeAt(0) === 58;
    if (pseudo && !http2 && name !== ":authority") continue;
    count++;
    // HTTP/1.1 calls it host.
    bytes += (pseudo && !http2 ? 4 : name.length) + headers.valueAt(i).length;
  }
  return { count, bytes };
}

/** The first line of HTTP/1.1, and the empty one. */
function around(headers: HeaderMap): number {
  const status = headers.get(":status");
  if (status !== undefined) return 9 + status.length + 1 + reasonPhrase(Number(status)).length + 4;
  return (headers.get(":method") ?? "").length + (headers.get(":path") ?? "").length + 2 + 8 + 4;
}

/**
 * The head of a message. Of HTTP/2, whose compression Node tells nothing of, the bytes before it; of HTTP/1.1 as if the
 * reason phrase were the usual one.
 */
export function countHead(counts: ByteCounts, way: Way, head: Head): void {
  const { count, bytes } = lines(head);
  if (head.http2) {
    counts[`headers${way}`] += bytes;
    counts[`wire${way}`] += bytes + 9;
    return;
  }
  // Envoy counts an empty line where there is none.
  counts[`headers${way}`] += bytes + Math.max(count, way === "Received" ? 1 : 0) * AROUND[way];
  counts[`wire${way}`] += bytes + count * 4 + around(head.headers);
}

/** The head of a request of HTTP/1.1 as it was sent, names and values in turn. */
export function countRawHead(counts: ByteCounts, headers: HeaderMap, raw: readonly string[]): void {
  const bytes = raw.reduce((sum, text) => sum + text.length, 0);
  const count = raw.length / 2;
  counts.headersReceived += bytes + Math.max(count, 1) * AROUND.Received;
  counts.wireReceived += bytes + count * 4 + around(headers);
}

/** A stretch of body; `chunked`: with its size in front of it. */
export function countBody(counts: ByteCounts, way: Way, length: number, chunked: boolean): void {
  if (length > 0) counts[`wire${way}`] += length + (chunked ? length.toString(16).length + 4 : 0);
}

/** The end of a chunked body. */
export function countEnd(counts: ByteCounts, way: Way, trailers: HeaderMap | undefined): void {
  counts[`wire${way}`] += 5;
  if (!trailers) return;
  for (const [name, value] of trailers) counts[`wire${way}`] += name.length + value.length + 4;
}

/** One more line of a head that is sent. */
export function countLine(counts: ByteCounts, bytes: number): void {
  counts.headersSent += bytes;
  counts.wireSent += bytes;
}
