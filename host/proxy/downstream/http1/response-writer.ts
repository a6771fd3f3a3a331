import { HeaderMap } from "../../../stores/header-map";
import { line, type NameFormat, UnwritableHeader } from "../../http1/head-text";
import { reasonPhrase } from "../reason-phrases";
import { httpDate } from "../response-headers";

/** Bytes declared by `content-length`; undefined when there is no readable one. */
export function declaredLength(headers: HeaderMap): number | undefined {
  const text = headers.get("content-length");
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** What decides about the framing of a response, besides its headers. */
interface Framed {
  endStream: boolean;
  /** Of a request with HEAD. */
  isHead: boolean;
  /** Of a request in HTTP/1.0, which knows no chunks. */
  old: boolean;
  /** How names are written; undefined = as they are. */
  format: NameFormat | undefined;
}

/**
 * The head of a response as Envoy would write it: lower-case names in map order, then the framing header. Throws when a
 * status or value cannot go on the wire.
 */
export function responseHead(
  status: number,
  headers: HeaderMap,
  { endStream, isHead, old, format }: Framed,
): { text: string; chunked: boolean } {
  if (status < 100 || status > 999) throw new UnwritableHeader(":status");
  const sized = headers.has("content-length");
  const bodiless = status < 200 || status === 204 || status === 304;
  // Announces trailers, which only a chunked body can have.
  const trailers = !sized && !bodiless && !endStream && !old;
  let text = `HTTP/1.${old ? 0 : 1} ${status} ${reasonPhrase(status)}\r\n`;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (name.charCodeAt(0) !== 58 && (trailers || name !== "trailer"))
      text += line(name, headers.valueAt(i), format);
  }
  if (sized || bodiless) return { text: `${text}\r\n`, chunked: false };
  if (endStream && !isHead)
    return { text: `${text}${line("content-length", "0", format)}\r\n`, chunked: false };
  if (old) return { text: `${text}\r\n`, chunked: false };
  return { text: `${text}${line("transfer-encoding", "chunked", format)}\r\n`, chunked: !isHead };
}

/** The headers of a reply to a request that could not even be read. `signature`: what the proxy says of itself. */
export function unreadReply(
  status: number,
  signature: readonly (readonly [string, string])[],
  body: string,
): HeaderMap {
  return HeaderMap.of("response", [
    [":status", String(status)],
    ...(body === ""
      ? []
      : ([
          ["content-length", String(body.length)],
          ["content-type", "text/plain"],
        ] as const)),
    ["date", httpDate()],
    ...signature,
    ["connection", "close"],
  ]);
}

/** A whole reply as it goes on the wire. */
export function rawReply(headers: HeaderMap, body: string, format: NameFormat = (name) => name): string {
  const [[, status], ...fields] = [...headers] as [[string, string], ...[string, string][]];
  const lines = fields.map(([name, value]) => `${format(name)}: ${value}\r\n`).join("");
  const tail = body === "" ? `${format("content-length")}: 0\r\n` : "";
  return `HTTP/1.1 ${status} ${reasonPhrase(Number(status))}\r\n${lines}${tail}\r\n${body}`;
}
