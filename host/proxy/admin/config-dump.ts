import type { AdminHandler } from "./admin-server";
import { JSON_TYPE, jsonText } from "./json-text";
import { redacted } from "./redact";
import { nodeJson } from "./server-info";

const ADMIN = "type.googleapis.com/envoy.admin.v3";

type Json = Record<string, unknown>;

function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** Route configurations inside a raw listener. */
function routeConfigs(listener: Json): Json[] {
  return list(listener.filter_chains)
    .flatMap((chain) => list(chain.filters))
    .map((filter) => (filter.typed_config as Json | undefined)?.route_config as Json | undefined)
    .filter((config): config is Json => config !== undefined);
}

/** `/config_dump`: the file, and its clusters, listeners and routes once more as Envoy sorts them. */
export const configDump: AdminHandler = (state) => {
  const raw = redacted(state.bootstrap.raw as Json);
  const statics = (raw.static_resources ?? {}) as Json;
  const last_updated = new Date(performance.timeOrigin + state.startedAt).toISOString();
  const listeners = list(statics.listeners);
  const configs = [
    {
      "@type": `${ADMIN}.BootstrapConfigDump`,
      bootstrap: { ...raw, node: { ...(raw.node as Json | undefined), ...nodeJson(state) } },
      last_updated,
    },
    {
      "@type": `${ADMIN}.ClustersConfigDump`,
      static_clusters: list(statics.clusters).map((cluster) => ({
        cluster: { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", ...cluster },
        last_updated,
      })),
    },
    {
      "@type": `${ADMIN}.ListenersConfigDump`,
      static_listeners: listeners.map((listener) => ({
        listener: { "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", ...listener },
        last_updated,
      })),
    },
    { "@type": `${ADMIN}.ScopedRoutesConfigDump` },
    {
      "@type": `${ADMIN}.RoutesConfigDump`,
      static_route_configs: listeners.flatMap(routeConfigs).map((route) => ({
        route_config: { "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", ...route },
        last_updated,
      })),
    },
    { "@type": `${ADMIN}.SecretsConfigDump` },
  ];
  return { contentType: JSON_TYPE, body: jsonText({ configs }) };
};
