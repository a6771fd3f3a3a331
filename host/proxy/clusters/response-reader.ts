import type { IncomingMessage } from "node:http";
import { HeaderMap } from "../../stores/header-map";
import type { PooledSocket } from "./connector";

const MAX_HEADERS = 100;

/** A response that node:http would let pass and Envoy does not. */
export class ProtocolError extends Error {
  readonly code = "HPE_REFUSED";
}

/** What Envoy's codec asks of a response head beyond what node:http does. */
export function isWellFormed(response: IncomingMessage, headers: HeaderMap): boolean {
  const status = response.statusCode!;
  if (status < 100 || response.rawHeaders.length / 2 > MAX_HEADERS) return false;
  const encoding = headers.get("transfer-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked") return false;
  return status !== 204 || (encoding === undefined && Number(headers.get("content-length") ?? 0) === 0);
}

const KEEP_ALIVE_HINT = /(?:^|[\s,])timeout=(\d{1,6})/i;

/** Reads a response head, and how long the host will keep an idle connection. */
export function responseHeaders(response: IncomingMessage, socket: PooledSocket | undefined): HeaderMap {
  const headers = new HeaderMap("response");
  headers.append(":status", String(response.statusCode));
  const raw = response.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    headers.add(name, raw[i + 1]!);
    if (name === "keep-alive" && socket) {
      const hint = KEEP_ALIVE_HINT.exec(raw[i + 1]!);
      if (hint) socket.idleMs = Math.max(0, Number(hint[1]) * 1000 - 1000);
    }
  }
  return headers;
}
