import type { OutgoingHttpHeaders } from "node:http2";
import type { HeaderMap } from "../../stores/header-map";
import { CONNECT, isGranted, toExtendedConnect, toExtendedResponse } from "../tunnel/upgrade-headers";

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const AUTHORITY = /^[A-Za-z0-9\-._~%!$&'()*+,;=:@[\]]+$/;
const PSEUDO: ReadonlySet<string> = new Set([":authority", ":path", ":method", ":scheme"]);

const EXTENDED: ReadonlySet<string> = new Set([...PSEUDO, ":protocol"]);

/** What node:http2 is handed: a flat list, or an object where it does not take that. */
export type WireHeaders = OutgoingHttpHeaders | readonly string[];

/** A head that HTTP/2 cannot carry. */
export class UnwritableError extends Error {}

function version(): [major: number, minor: number] {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return [major, minor];
}

const [MAJOR, MINOR] = version();
/** Since when node:http2 takes flat lists of names and values; lines of one name then need not stand together. */
const LISTS = {
  request: MAJOR > 24 || (MAJOR === 24 && MINOR >= 2) || (MAJOR === 22 && MINOR >= 17),
  response: MAJOR > 24 || (MAJOR === 24 && MINOR >= 7),
};

function forWire(flat: string[], takesLists: boolean): WireHeaders {
  return takesLists ? flat : grouped(flat);
}

/** A response's head, every line in its place. Throws UnwritableError. */
export function responseHeaders(headers: HeaderMap, status: number): WireHeaders {
  if (status < 200 || status > 599) throw new UnwritableError(`status ${status}`);
  const flat: string[] = [];
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    const value = headers.valueAt(i);
    if (!NAME.test(name) && name !== ":status") throw new UnwritableError(`header ${name}`);
    if (!VALUE.test(value)) throw new UnwritableError(`value of ${name}`);
    if (name === "te" && value !== "trailers") throw new UnwritableError("header te");
    flat.push(name, value);
  }
  return forWire(flat, LISTS.response);
}

/** As {@link responseHeaders}, of the answer to a request that asks for a tunnel. */
export function tunnelResponseHeaders(headers: HeaderMap, status: number, type: string): WireHeaders {
  if (!isGranted(type, status, headers)) return responseHeaders(headers, status);
  return responseHeaders(toExtendedResponse(headers), 200);
}

/** The scheme of a request, or what stands for one that is gone or none of HTTP. */
function schemeOf(headers: HeaderMap): string {
  for (const name of [":scheme", "x-forwarded-proto"]) {
    const value = headers.get(name)?.toLowerCase();
    if (value === "http" || value === "https") return value;
  }
  return "http";
}

/**
 * A request's head, every line in its place. Throws UnwritableError for
 * pseudo-headers that are no request's. What else HTTP/2 does not carry node:http2 throws for itself.
 */
export function requestHeaders(headers: HeaderMap, known = PSEUDO): WireHeaders {
  if (!AUTHORITY.test(headers.get(":authority") ?? "")) throw new UnwritableError("no authority");
  if (headers.get(":path")?.includes(" ")) throw new UnwritableError("a space in the path");
  const flat: string[] = [];
  let schemed = false;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    const pseudo = name.charCodeAt(0) === 58;
    if (pseudo && !known.has(name)) throw new UnwritableError(`header ${name}`);
    if (!schemed && (name === ":scheme" || !pseudo)) {
      schemed = true;
      flat.push(":scheme", schemeOf(headers));
    }
    if (name !== ":scheme") flat.push(name, headers.valueAt(i));
  }
  if (!schemed) flat.push(":scheme", schemeOf(headers));
  return forWire(flat, LISTS.request);
}

/** As {@link requestHeaders}, for a request that asks for a tunnel. */
export function tunnelHeaders(headers: HeaderMap, type: string): WireHeaders {
  if (type !== CONNECT) return requestHeaders(toExtendedConnect(headers), EXTENDED);
  if (!AUTHORITY.test(headers.get(":authority") ?? "")) throw new UnwritableError("no authority");
  return forWire([...headers].filter(([name]) => name !== ":scheme").flat(), LISTS.request);
}

/** Trailers, which node:http2 takes as an object only; none at all end the stream with an empty frame. */
export function trailerHeaders(trailers: HeaderMap | undefined): OutgoingHttpHeaders {
  return grouped(trailers ? [...trailers].flat() : []);
}

/** Lines of one name together, where the first of them stood. */
export function grouped(flat: readonly string[]): OutgoingHttpHeaders {
  const byName: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const known = byName[name];
    if (known === undefined) byName[name] = flat[i + 1]!;
    else if (typeof known === "string") byName[name] = [known, flat[i + 1]!];
    else known.push(flat[i + 1]!);
  }
  return byName;
}
