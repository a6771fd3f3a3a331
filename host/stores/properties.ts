import { Status } from "../../sdk/abi/status";
import type { HeaderMap } from "./header-map";
import { PROPERTIES } from "./property-table";
import { child, encodeProperty, type PropertyValue } from "./property-values";
import type { StreamInfo } from "./stream-info";

/** What a plugin shows of itself. */
export interface PluginFacts {
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  /** `envoy.config.core.v3.Node` in its JSON form. */
  readonly node: object;
}

/** The stream half of a scope: facts plus the maps that are live for this filter right now. */
export interface StreamScope {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderMap | undefined;
  readonly responseHeaders: HeaderMap | undefined;
  readonly responseTrailers: HeaderMap | undefined;
}

/** Everything a property path can reach from one context. */
export interface PropertyScope {
  readonly plugin: PluginFacts;
  /** Undefined in root contexts. */
  readonly stream: StreamScope | undefined;
}

/** Splits a path at NULs; one trailing NUL is tolerated. */
function split(path: string): string[] {
  const text = path.endsWith("\0") ? path.slice(0, -1) : path;
  return text === "" ? [] : text.split("\0");
}

/** A name at the top: an attribute, a namespace of them, or what a guest has set. Undefined = not there. */
export function findProperty(scope: PropertyScope, name: string): PropertyValue | undefined {
  const entry = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name]! : undefined;
  if (typeof entry === "function") return entry(scope);
  if (!entry) return scope.stream?.info.filterState.property(name);
  if (!scope.stream && name !== "xds") return undefined;
  return { kind: "map", get: (key) => (Object.hasOwn(entry, key) ? entry[key]!(scope) : undefined) };
}

/** The row of a namespace that two steps lead to: what is read most, without going through a map. */
export function attribute({ stream }: PropertyScope, name: string, key: string | undefined) {
  if (!stream || key === undefined) return undefined;
  const entry = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name] : undefined;
  return typeof entry === "object" && Object.hasOwn(entry, key) ? entry[key] : undefined;
}

/** `proxy_get_property`: the encoded value, or the status that says why there is none. */
export function getProperty(scope: PropertyScope, path: string): Buffer | Status {
  const steps = split(path);
  if (steps.length === 0) return Status.SerializationFailure;
  const row = attribute(scope, steps[0]!, steps[1]);
  let at = row ? row(scope) : findProperty(scope, steps[0]!);
  for (let i = row ? 2 : 1; at && i < steps.length; i++) at = child(at, steps[i]!);
  return at ? (encodeProperty(at) ?? Status.SerializationFailure) : Status.NotFound;
}
