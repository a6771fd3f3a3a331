import type { HeaderMap } from "../../stores/header-map";
import { fieldName } from "../http1/field-names";
import type { NameFormat } from "../http1/head-text";

/** The request cannot be written; `message` is the body of Envoy's reply. */
export class UnsendableError extends Error {}

/** Requests with these methods have no body unless they say so. */
const BODILESS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "TRACE", "CONNECT"]);

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * What no request can do without, or carry. A space in the request line breaks HTTP/1.1; in HTTP/2 it is the codec that
 * objects.
 */
export function checkSendable(headers: HeaderMap, protocol: "http1" | "http2"): void {
  for (const name of [":method", ":path"]) {
    // A CONNECT has no path.
    if (!headers.get(name) && headers.get(":method") !== "CONNECT")
      throw new UnsendableError(`missing required header: ${name}`);
  }
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    const value = headers.valueAt(i);
    const pseudo = name.charCodeAt(0) === 58;
    const breaksLine = protocol === "http1" && pseudo && name !== ":authority" && value.includes(" ");
    if (!VALUE.test(value) || breaksLine) {
      throw new UnsendableError(`invalid header value for: ${name}`);
    }
    if (!pseudo && fieldName(name) !== name) throw new UnsendableError(`invalid header name: ${name}`);
  }
}

const asItIs: NameFormat = (name) => name;

/** The head of a request as it goes on the wire: `host` first, the rest in map order, the framing header last. */
export function requestHead(
  headers: HeaderMap,
  method: string,
  endStream: boolean,
  format: NameFormat = asItIs,
): string {
  const sized = headers.has("content-length");
  const first = `${method} ${headers.get(":path")!} HTTP/1.1\r\n`;
  const text = lines(headers, first, !sized && !endStream, format);
  if (sized) return `${text}\r\n`;
  if (!endStream) return `${text}${format("transfer-encoding")}: chunked\r\n\r\n`;
  return BODILESS.has(method) ? `${text}\r\n` : `${text}${format("content-length")}: 0\r\n\r\n`;
}

/** The same for a request behind which there is no HTTP any more. */
export function tunnelHead(headers: HeaderMap, method: string, format: NameFormat = asItIs): string {
  const target = headers.get(method === "CONNECT" ? ":authority" : ":path")!;
  return `${lines(headers, `${method} ${target} HTTP/1.1\r\n`, false, format)}\r\n`;
}

/** `trailer` announces what only a chunked body can have. */
function lines(headers: HeaderMap, first: string, trailers: boolean, format: NameFormat): string {
  let text = first;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (name.charCodeAt(0) === 58) {
      if (name === ":authority") text += `${format("host")}: ${headers.valueAt(i)}\r\n`;
    } else if (name !== "transfer-encoding" && (trailers || name !== "trailer"))
      text += `${format(name)}: ${headers.valueAt(i)}\r\n`;
  }
  return text;
}
