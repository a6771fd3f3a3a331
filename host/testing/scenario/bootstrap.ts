import type { LoadedScenario } from "./load";

/** Ports of the servers that a scenario's clusters lead to; undefined = the cluster has no hosts. */
export interface Ports {
  upstream: number;
  clusters: ReadonlyMap<string, number | undefined>;
}

const TYPE = "type.googleapis.com/envoy.extensions";
/** Name of the app's cluster; plugins' clusters cannot have it. */
export const APP = "scenario app";

const address = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });

function cluster(name: string, port: number | undefined) {
  const hosts = port === undefined ? [] : [{ endpoint: { address: address(port) } }];
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: hosts }] },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http_protocol_options: { enable_trailers: true } },
      },
    },
  };
}

function wasmFilter(plugin: LoadedScenario["plugins"][number], module: string) {
  const { configuration, root_id, name = root_id, failure_policy, allow_on_headers_stop_iteration } = plugin;
  const text = typeof configuration === "string" ? configuration : JSON.stringify(configuration);
  return {
    name: "envoy.filters.http.wasm",
    typed_config: {
      "@type": `${TYPE}.filters.http.wasm.v3.Wasm`,
      config: {
        ...(name !== undefined && { name }),
        ...(root_id !== undefined && { root_id }),
        ...(text !== undefined && {
          configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: text },
        }),
        ...(failure_policy !== undefined && { failure_policy }),
        ...(allow_on_headers_stop_iteration !== undefined && { allow_on_headers_stop_iteration }),
        vm_config: {
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: module } },
          ...(plugin.vm_id !== undefined && { vm_id: plugin.vm_id }),
        },
      },
    },
  };
}

/** The bootstrap that either engine runs a scenario with. */
export function scenarioBootstrap({ plugins, modules }: LoadedScenario, ports: Ports): object {
  const router = {
    name: "envoy.filters.http.router",
    typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` },
  };
  const manager = {
    "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "scenario",
    http_protocol_options: { enable_trailers: true },
    route_config: {
      virtual_hosts: [
        { name: "scenario", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: APP } }] },
      ],
    },
    http_filters: [...plugins.map((plugin, i) => wasmFilter(plugin, modules[i]!)), router],
  };
  const filter = { name: "envoy.filters.network.http_connection_manager", typed_config: manager };
  return {
    node: { id: "scenario", cluster: "scenario" },
    admin: { address: address(0) },
    static_resources: {
      listeners: [{ name: "scenario", address: address(0), filter_chains: [{ filters: [filter] }] }],
      clusters: [
        cluster(APP, ports.upstream),
        ...[...ports.clusters].map(([name, port]) => cluster(name, port)),
      ],
    },
  };
}
