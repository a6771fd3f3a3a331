import type { HeaderLimits } from "../../config/model";
import { HeaderMap } from "../../stores/header-map";
import type { RawFields } from "../http1/message-reader";
import type { ResponseStart } from "../http1/response-reader";
import type { PooledSocket } from "./connector";

/** What Envoy's codec asks of a response head beyond what can be read. `asked`: for another protocol. */
export function isWellFormed(
  { status, fields, switches }: ResponseStart,
  headers: HeaderMap,
  asked: boolean,
  limits: HeaderLimits,
): boolean {
  if (status < 100 || (switches && !asked) || fields.length / 2 > limits.count) return false;
  const encoding = headers.get("transfer-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked") return false;
  return status !== 204 || (encoding === undefined && Number(headers.get("content-length") ?? 0) === 0);
}

/** May an informational response have these headers? Nothing that speaks of a body may stand there. */
export function mayPrecede(fields: RawFields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i];
    if (name === "transfer-encoding" || (name === "content-length" && fields[i + 1] !== "0")) return false;
  }
  return true;
}

const KEEP_ALIVE_HINT = /(?:^|[\s,])timeout=(\d{1,6})/i;

/** Reads a response head, and how long the host will keep an idle connection. */
export function responseHeaders({ status, fields }: ResponseStart, socket: PooledSocket): HeaderMap {
  const headers = new HeaderMap("response");
  headers.append(":status", String(status));
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    // It has no body, and the length of none is not told.
    if (status === 204 && name === "content-length" && fields[i + 1] === "0") continue;
    headers.add(name, fields[i + 1]!);
    if (name === "keep-alive") {
      const hint = KEEP_ALIVE_HINT.exec(fields[i + 1]!);
      if (hint) socket.idleMs = Math.max(0, Number(hint[1]) * 1000 - 1000);
    }
  }
  return headers;
}

/** May the connection of such a response serve again? */
export function keepsAlive({ old, untilClose }: ResponseStart, headers: HeaderMap): boolean {
  if (untilClose) return false;
  const said = headers.get("connection")?.toLowerCase() ?? "";
  const words = said === "" ? [] : said.split(",").map((word) => word.trim());
  return old ? words.includes("keep-alive") : !words.includes("close");
}
