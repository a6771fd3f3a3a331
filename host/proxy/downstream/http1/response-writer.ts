import type { ServerResponse } from "node:http";
import { HeaderMap } from "../../../stores/header-map";
import { dropPair } from "../../flat-headers";
import { properCaseAll } from "../../proper-case";
import { reasonPhrase } from "../reason-phrases";
import { httpDate } from "../response-headers";

/** Bytes declared by `content-length`; undefined when there is no readable one. */
export function declaredLength(headers: HeaderMap): number | undefined {
  const text = headers.get("content-length");
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/**
 * Hands a finished header map to node:http as Envoy would write it: lower-case names in map order, then the framing
 * header. Throws when a value cannot go on the wire.
 */
export function writeHead(
  response: ServerResponse,
  status: number,
  headers: HeaderMap,
  endStream: boolean,
  isHead: boolean,
  properCase = false,
): void {
  const out: string[] = [];
  let sized = false;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (name.charCodeAt(0) === 58) continue;
    if (name === "content-length") sized = true;
    out.push(name, headers.valueAt(i));
  }
  const old = unchunked.has(response);
  const bodiless = status < 200 || status === 204 || status === 304;
  if (!sized && !bodiless) {
    if (endStream && !isHead) out.push("content-length", "0");
    else if (!old) out.push("transfer-encoding", "chunked");
  }
  // Announces trailers, which only a chunked body can have; node:http refuses it elsewhere.
  if (sized || bodiless || endStream || old) dropPair(out, "trailer");
  // Node's own additions are said above, in Envoy's place and case, or not at all.
  response.sendDate = false;
  response.removeHeader("connection");
  response.writeHead(status, reasonPhrase(status), properCase ? properCaseAll(out) : out);
}

/** Responses to HTTP/1.0 requests. */
const unchunked = new WeakSet<ServerResponse>();

/** The part of node:http that writes a message's first line. */
interface HeaderWriter {
  _storeHeader(firstLine: string, headers: unknown): void;
}

/** Makes a response one of HTTP/1.0; node:http itself would answer in 1.1, which Envoy does not. */
export function answerInHttp10(response: ServerResponse): void {
  unchunked.add(response);
  const writer = response as unknown as HeaderWriter;
  const store = writer._storeHeader.bind(response);
  writer._storeHeader = (firstLine, headers) => store(firstLine.replace("HTTP/1.1", "HTTP/1.0"), headers);
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
export function rawReply(headers: HeaderMap, body: string, format = (name: string) => name): string {
  const [[, status], ...fields] = [...headers] as [[string, string], ...[string, string][]];
  const lines = fields.map(([name, value]) => `${format(name)}: ${value}\r\n`).join("");
  const tail = body === "" ? `${format("content-length")}: 0\r\n` : "";
  return `HTTP/1.1 ${status} ${reasonPhrase(Number(status))}\r\n${lines}${tail}\r\n${body}`;
}
