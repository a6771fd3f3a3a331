/** Envoy's own filters that a filter of this project does the work of, by type and by that filter's name. */
export const NATIVE_FILTERS: Readonly<Record<string, string>> = {
  "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault": "fault",
  "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": "ratelimit",
  "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC": "authz",
  "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC": "authz",
};

/** What to do about a filter that the Node engine does not have; undefined when this project has none in its place. */
export function nativeFilterHint(type: unknown): string | undefined {
  const filter = typeof type === "string" ? NATIVE_FILTERS[type] : undefined;
  if (filter === undefined) return undefined;
  return `Envoy's own filter is not in the node engine; filters/${filter} does its work, and --substitute puts it there`;
}
