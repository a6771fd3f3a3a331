import type { OutgoingHttpHeaders } from "node:http2";
import type { HeaderMap } from "../../../stores/header-map";

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Since when node:http2 writes a flat list of names and values; before, it takes it for an object. */
const FLAT = atLeast(24, 7);

function atLeast(major: number, minor: number): boolean {
  const [a = 0, b = 0] = process.versions.node.split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

/** What node:http2 is handed. */
export type WireHeaders = OutgoingHttpHeaders;

/** A head that HTTP/2 cannot carry. */
export class UnwritableError extends Error {}

/** A response's head for the wire, every line in its place. Throws UnwritableError. */
export function wireHeaders(headers: HeaderMap, status: number): WireHeaders {
  if (status < 200 || status > 599) throw new UnwritableError(`status ${status}`);
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (!NAME.test(name) && name !== ":status") throw new UnwritableError(`header ${name}`);
    if (!VALUE.test(headers.valueAt(i))) throw new UnwritableError(`value of ${name}`);
    if (name === "te" && headers.valueAt(i) !== "trailers") throw new UnwritableError("header te");
  }
  if (!FLAT) return grouped(headers);
  const flat: string[] = [];
  for (let i = 0; i < headers.size; i++) flat.push(headers.nameAt(i), headers.valueAt(i));
  return flat as unknown as WireHeaders;
}

/** Lines of one name together, where the first of them stood. */
export function grouped(headers: HeaderMap): WireHeaders {
  const byName: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const known = byName[name];
    if (known === undefined) byName[name] = value;
    else if (typeof known === "string") byName[name] = [known, value];
    else known.push(value);
  }
  return byName;
}
