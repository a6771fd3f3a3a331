import { Status } from "../../sdk/abi/status";
import type { HeaderMap } from "./header-map";
import { PROPERTIES } from "./property-table";
import { bytes, encodeProperty, type PropertyValue, tree } from "./property-values";
import type { StreamInfo } from "./stream-info";

/** What a plugin shows of itself. */
export interface PluginFacts {
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  readonly node: unknown;
}

/** The stream half of a scope: facts plus the maps that are live for this filter right now. */
export interface StreamScope {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap | undefined;
  readonly responseHeaders: HeaderMap | undefined;
  readonly responseTrailers: HeaderMap | undefined;
  /** Response side: an upstream host has been chosen. */
  readonly complete: boolean;
  readonly now: () => bigint;
}

/** Everything a property path can reach from one context. */
export interface PropertyScope {
  readonly plugin: PluginFacts;
  /** Undefined in root contexts. */
  readonly stream: StreamScope | undefined;
}

/** Namespaces that are no value by themselves: reading them is a serialization failure. */
const NAMESPACES = new Set(["request", "response", "connection", "source", "destination", "upstream", "xds"]);

/** Steps into a plain tree; list items by decimal index. Undefined = not there. */
function descend(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const step of path) {
    if (Array.isArray(at)) at = /^\d+$/.test(step) ? at[Number(step)] : undefined;
    else if (typeof at === "object" && at !== null && Object.hasOwn(at, step))
      at = (at as Record<string, unknown>)[step];
    else return undefined;
  }
  return at;
}

/** Values below a row of the table: header names, metadata keys. */
function below(found: PropertyValue, rest: readonly string[]): PropertyValue | undefined {
  if (rest.length === 0) return found;
  return found.kind === "tree" ? tree(descend(found.value, rest)) : undefined;
}

/** Splits a path at NULs; one trailing NUL is tolerated. */
function split(path: string): string[] {
  const text = path.endsWith("\0") ? path.slice(0, -1) : path;
  return text === "" ? [] : text.split("\0");
}

function lookup(scope: PropertyScope, path: readonly string[]): PropertyValue | undefined {
  // The longest row wins: `request.headers.NAME` before `request.headers`.
  for (let length = Math.min(3, path.length); length > 0; length--) {
    const row = PROPERTIES[path.slice(0, length).join(".")];
    if (!row) continue;
    const found = row(scope, path.slice(length));
    if (found === undefined) return undefined;
    return row.length > 1 ? found : below(found, path.slice(length));
  }
  return undefined;
}

/** `proxy_get_property`: the encoded value, or the status that says why there is none. */
export function getProperty(scope: PropertyScope, path: string): Buffer | Status {
  const steps = split(path);
  if (steps.length === 0) return Status.SerializationFailure;
  if (steps.length === 1 && NAMESPACES.has(steps[0]!)) return Status.SerializationFailure;
  const found = lookup(scope, steps) ?? ownProperty(scope, steps);
  if (!found) return Status.NotFound;
  return encodeProperty(found) ?? Status.SerializationFailure;
}

/** Properties set by guests: a single segment, never hiding a built-in one. */
function ownProperty(scope: PropertyScope, path: readonly string[]): PropertyValue | undefined {
  return path.length === 1 ? bytes(scope.stream?.info.filterState.get(`wasm.${path[0]}`)) : undefined;
}
