import type { IncomingMessage } from "node:http";
import { HeaderMap } from "../../stores/header-map";
import type { PooledSocket } from "./connector";

const MAX_HEADERS = 100;

/** A response that node:http would let pass and Envoy does not. */
export class ProtocolError extends Error {
  readonly code = "HPE_REFUSED";
}

/** May not stand in a reason phrase. */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;

/** What Envoy's codec asks of a response head beyond what node:http does. */
export function isWellFormed(response: IncomingMessage, headers: HeaderMap): boolean {
  const status = response.statusCode!;
  if (CONTROL.test(response.statusMessage!)) return false;
  if (status < 100 || response.rawHeaders.length / 2 > MAX_HEADERS) return false;
  const encoding = headers.get("transfer-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked") return false;
  return status !== 204 || (encoding === undefined && Number(headers.get("content-length") ?? 0) === 0);
}

/** May an informational response have these headers? Nothing that speaks of a body may stand there. */
export function mayPrecede(raw: readonly string[]): boolean {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === "transfer-encoding" || (name === "content-length" && raw[i + 1] !== "0")) return false;
  }
  return true;
}

const KEEP_ALIVE_HINT = /(?:^|[\s,])timeout=(\d{1,6})/i;

/** Reads a response head, and how long the host will keep an idle connection. */
export function responseHeaders(response: IncomingMessage, socket: PooledSocket | undefined): HeaderMap {
  const headers = new HeaderMap("response");
  headers.append(":status", String(response.statusCode));
  const raw = response.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    // It has no body, and the length of none is not told.
    if (name === "content-length" && response.statusCode === 204 && raw[i + 1] === "0") continue;
    headers.add(name, raw[i + 1]!);
    if (name === "keep-alive" && socket) {
      const hint = KEEP_ALIVE_HINT.exec(raw[i + 1]!);
      if (hint) socket.idleMs = Math.max(0, Number(hint[1]) * 1000 - 1000);
    }
  }
  return headers;
}
