/** Builders for the parts of an Envoy bootstrap that tests repeat. Plain objects, snake_case as in the file. */

export type Json = Record<string, unknown>;

const TYPE = "type.googleapis.com/envoy.extensions";

export function socketAddress(port: number, address = "127.0.0.1"): Json {
  return { socket_address: { address, port_value: port } };
}

export function cluster(name: string, port: number, more: Json = {}): Json {
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port) } }] }],
    },
    ...more,
  };
}

function httpOptions(config: Json): Json {
  return {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: config,
      },
    },
  };
}

/** Lets trailers through to an HTTP/1.1 upstream and back. */
export const CLUSTER_TRAILERS = httpOptions({ http_protocol_options: { enable_trailers: true } });

/** The cluster's hosts speak HTTP/2, without TLS and without asking first. */
export const CLUSTER_HTTP2 = httpOptions({
  http2_protocol_options: {
    max_concurrent_streams: 100,
    initial_stream_window_size: 65_535,
    initial_connection_window_size: 1_048_576,
  },
});

export const ROUTER: Json = {
  name: "envoy.filters.http.router",
  typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` },
};

export interface WasmFilter {
  name: string;
  /** Path of the module. */
  wasm: string;
  rootId?: string;
  vmId?: string;
  /** Plugin configuration, handed over as a StringValue; an object stands as it is. */
  configuration?: string | Json;
  /** More fields of PluginConfig. */
  plugin?: Json;
  /** More fields of VmConfig. */
  vm?: Json;
}

export function stringValue(value: string): Json {
  return { "@type": "type.googleapis.com/google.protobuf.StringValue", value };
}

export function wasmFilter({ name, wasm, rootId, vmId, configuration, plugin, vm }: WasmFilter): Json {
  return {
    name: "envoy.filters.http.wasm",
    typed_config: {
      "@type": `${TYPE}.filters.http.wasm.v3.Wasm`,
      config: {
        name,
        ...(rootId !== undefined && { root_id: rootId }),
        ...(configuration !== undefined && {
          configuration: typeof configuration === "string" ? stringValue(configuration) : configuration,
        }),
        vm_config: {
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: wasm } },
          ...(vmId !== undefined && { vm_id: vmId }),
          ...vm,
        },
        ...plugin,
      },
    },
  };
}

export interface HttpListener {
  name: string;
  /** Network filters in front of the connection manager, in chain order. */
  networkFilters?: readonly Json[];
  /** Wasm filters in chain order; the router is added. */
  filters?: readonly Json[];
  routes: readonly Json[];
  /** More fields of the connection manager, of the virtual host, of the filter chain, and of the listener. */
  manager?: Json;
  virtualHost?: Json;
  filterChain?: Json;
  listener?: Json;
  port?: number;
}

export function httpListener({
  name,
  networkFilters = [],
  filters = [],
  routes,
  manager,
  virtualHost,
  filterChain,
  listener,
  port = 0,
}: HttpListener): Json {
  return {
    name,
    address: socketAddress(port),
    filter_chains: [
      {
        filters: [
          ...networkFilters,
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: name,
              route_config: {
                name: `${name}_routes`,
                virtual_hosts: [{ name: `${name}_host`, domains: ["*"], routes, ...virtualHost }],
              },
              http_filters: [...filters, ROUTER],
              ...manager,
            },
          },
        ],
        ...filterChain,
      },
    ],
    ...listener,
  };
}

/** A wasm filter of a TCP listener: the same plugin configuration under the network filter's type. */
/** An entry of `access_log`. */
export function wasmAccessLog(plugin: WasmFilter): Json {
  const { typed_config } = wasmFilter(plugin);
  const type = `${TYPE}.access_loggers.wasm.v3.WasmAccessLog`;
  return {
    name: "envoy.access_loggers.wasm",
    typed_config: { ...(typed_config as Json), "@type": type },
  };
}

/** An entry of `bootstrap_extensions`. */
export function wasmService(plugin: WasmFilter, more: Json = {}): Json {
  const { typed_config } = wasmFilter(plugin);
  const type = `${TYPE}.wasm.v3.WasmService`;
  return {
    name: "envoy.bootstrap.wasm",
    typed_config: { ...(typed_config as Json), "@type": type, ...more },
  };
}

export function networkWasmFilter(filter: WasmFilter): Json {
  const { typed_config } = wasmFilter(filter);
  const type = `${TYPE}.filters.network.wasm.v3.Wasm`;
  return {
    name: "envoy.filters.network.wasm",
    typed_config: { ...(typed_config as Json), "@type": type },
  };
}

export interface TcpListener {
  name: string;
  /** Network filters in chain order; the TCP proxy is added. */
  filters?: readonly Json[];
  /** By default the one named like the listener. */
  cluster?: string;
  /** More fields of the TCP proxy, of the filter chain, and of the listener. */
  proxy?: Json;
  filterChain?: Json;
  listener?: Json;
}

export function tcpListener({
  name,
  filters = [],
  cluster = name,
  proxy,
  filterChain,
  listener,
}: TcpListener): Json {
  const tcpProxy = {
    name: "envoy.filters.network.tcp_proxy",
    typed_config: {
      "@type": `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`,
      stat_prefix: name,
      cluster,
      ...proxy,
    },
  };
  return {
    name,
    address: socketAddress(0),
    filter_chains: [{ filters: [...filters, tcpProxy], ...filterChain }],
    ...listener,
  };
}

export function bootstrap(parts: {
  listeners: readonly Json[];
  clusters: readonly Json[];
  more?: Json;
}): Json {
  return {
    node: { id: "test-node", cluster: "test-cluster" },
    admin: { address: socketAddress(0) },
    static_resources: { listeners: parts.listeners, clusters: parts.clusters },
    ...parts.more,
  };
}
