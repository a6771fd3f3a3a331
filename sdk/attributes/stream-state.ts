import { PropertyPath } from "../hostcalls/properties";

/**
 * Dynamic metadata other filters left on the stream, e.g. the claims of a token.
 * @example dynamicMetadata("envoy.filters.http.jwt_authn").at("payload").at("sub").text
 */
export function dynamicMetadata(namespace: string): PropertyPath {
  return PropertyPath.of(["metadata", "filter_metadata", namespace]);
}

/** An object in the stream's filter state; what plugins set with `setProperty("x")` stands under `wasm.x`. */
export function filterState(key: string): PropertyPath {
  return PropertyPath.of(["filter_state", key]);
}

/** An object the upstream connection's filters left. */
export function upstreamFilterState(key: string): PropertyPath {
  return PropertyPath.of(["upstream_filter_state", key]);
}
