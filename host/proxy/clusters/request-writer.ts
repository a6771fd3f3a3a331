import type { HeaderMap } from "../../stores/header-map";
import { dropPair } from "../flat-headers";

/** The request cannot be written; `message` is the body of Envoy's reply. */
export class UnsendableError extends Error {}

/** Requests with these methods have no body unless they say so. */
const BODILESS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "TRACE", "CONNECT"]);

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

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
    if (!pseudo && !NAME.test(name)) throw new UnsendableError(`invalid header name: ${name}`);
  }
}

/** Headers as they go on the wire: `host` first, the rest in map order, the framing header last. */
export function wireHeaders(headers: HeaderMap, endStream: boolean, method: string): string[] {
  const out: string[] = [];
  let sized = false;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (name.charCodeAt(0) === 58) {
      if (name === ":authority") out.push("host", headers.valueAt(i));
      continue;
    }
    if (name === "transfer-encoding") continue;
    if (name === "content-length") sized = true;
    out.push(name, headers.valueAt(i));
  }
  // Announces trailers, which only a chunked body can have; node:http refuses it elsewhere.
  if (sized || endStream) dropPair(out, "trailer");
  if (!sized) {
    if (!endStream) out.push("transfer-encoding", "chunked");
    else if (!BODILESS.has(method)) out.push("content-length", "0");
  }
  return out;
}
