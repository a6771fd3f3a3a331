import type { HeaderMap } from "../../stores/header-map";

/**
 * `x-envoy-*` headers of a request that are orders to the router. Those of strangers do not come so far: the connection
 * manager takes them off requests that are not internal. Filters and mutations of a route may set them.
 */
export type Orders = ReadonlyMap<string, string>;

const NONE: Orders = new Map();
const PREFIX = "x-envoy-";

/** Takes orders off a request. Nearly always there are none, which costs one look at each name. */
export function takeOrders(headers: HeaderMap, names: ReadonlySet<string>): Orders {
  let found: Map<string, string> | undefined;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (!name.startsWith(PREFIX) || !names.has(name.slice(PREFIX.length))) continue;
    found ??= new Map();
    const key = name.slice(PREFIX.length);
    const before = found.get(key);
    found.set(key, before === undefined ? headers.valueAt(i) : `${before},${headers.valueAt(i)}`);
  }
  if (!found) return NONE;
  for (const name of found.keys()) headers.remove(PREFIX + name);
  return found;
}

/** A whole number of 64 bits as Envoy reads it; undefined for anything else. */
export function readWhole(text: string | undefined): number | undefined {
  if (text === undefined || !/^[ \t\r\n\v\f]*\+?\d{1,20}[ \t\r\n\v\f]*$/.test(text)) return undefined;
  const value = BigInt(text.trim().replace("+", ""));
  return value < 1n << 64n ? Number(value) : undefined;
}
