import { HeaderMap } from "../stores/header-map";
import type { HeaderMapKind } from "../stores/inline-headers";
import { decodePairs } from "../stores/pairs";

/** The headers, trailers or metadata a guest gives to a call: names in lower case, `host` as `:authority`. */
export function callHeaders(kind: HeaderMapKind, block: Buffer): HeaderMap {
  const headers = new HeaderMap(kind);
  for (const [name, value] of decodePairs(block)) {
    const lower = name.toLowerCase();
    headers.add(lower === "host" ? ":authority" : lower, value);
  }
  return headers;
}
