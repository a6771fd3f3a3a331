import { chainsOf } from "../chains";
import { CIRCUIT_BREAKERS } from "../defaults";
import type {
  Bootstrap,
  ClusterConfig,
  HttpConnectionManagerConfig,
  HttpFilterConfig,
  ListenerConfig,
  Locality,
  NetworkFilterConfig,
} from "../model";
import type { FieldPath } from "../path";
import type {
  RawBootstrap,
  RawCluster,
  RawFilterChain,
  RawListener,
  RawManager,
  RawNetworkFilter,
  RawTcpProxy,
} from "../schema/bootstrap";
import { HTTP_OPTIONS_KEY } from "../schema/cluster";
import { durationMs } from "../schema/scalars";
import { locate, type Source } from "../yaml";
import { convertAccessLogs, convertLogOptions } from "./access-log";
import { convertBalancing } from "./balancing";
import { convertDownstreamCodec, convertUpstreamCodec } from "./codec";
import { convertFilterConfigs } from "./cors";
import { convertEdge } from "./edge";
import { convertInspection, convertMatch } from "./filter-chain";
import { convertHealthCheck } from "./health-check";
import { convertEndpoints, convertHostSets, convertLocality } from "./host-sets";
import { convertHttp2 } from "./http2";
import { inOldForm } from "./load-balancing-policy";
import { convertLocalReply } from "./local-reply";
import { convertOriginalDst } from "./original-dst";
import { convertOutlier } from "./outlier";
import { convertOwnHealth } from "./own-health";
import { convertBudget } from "./retry";
import { convertHost, mutation } from "./route";
import { convertSubsets } from "./subsets";
import { convertTcpProxy } from "./tcp-proxy";
import { convertManagerTimeouts, wholeMs } from "./timeouts";
import { convertDownstreamTls, convertUpstreamTls } from "./tls";
import { convertTracing } from "./tracing";
import { convertManagerUpgrades } from "./upgrade";
import { convertPlugin } from "./wasm";

const DEFAULT_BUFFER_LIMIT = 1_048_576;
const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
const DEFAULT_FLUSH_MS = 5000;
const DEFAULT_IDLE_MS = 3_600_000;
const DIRECTIONS = { UNSPECIFIED: 0, INBOUND: 1, OUTBOUND: 2 } as const;

/** The typed model of a validated file. */
export function convertBootstrap(
  raw: RawBootstrap,
  plain: Record<string, unknown>,
  source: Source,
): Bootstrap {
  const { node, admin, stats_config: stats, static_resources: resources } = raw;
  const local = convertLocality(node?.locality);
  const address = (
    { socket_address: at }: NonNullable<RawBootstrap["admin"]>["address"],
    path: FieldPath,
  ) => ({
    address: at.address,
    port: at.port_value ?? 0,
    ipv4Compat: at.ipv4_compat ?? false,
    position: locate(source, [...path, "address", "socket_address", "port_value"], "value"),
  });
  return {
    file: source.file,
    raw: plain,
    node: {
      id: node?.id ?? "",
      cluster: node?.cluster ?? "",
      locality: local,
      metadata: node?.metadata ?? {},
    },
    admin: admin && address(admin.address, ["admin"]),
    statsTags: (stats?.stats_tags ?? []).map((tag) => ({
      tagName: tag.tag_name,
      regex: tag.regex,
      fixedValue: tag.fixed_value,
    })),
    useDefaultTags: stats?.use_all_default_tags ?? true,
    statsFlushIntervalMs:
      raw.stats_flush_interval === undefined ? DEFAULT_FLUSH_MS : durationMs(raw.stats_flush_interval),
    services: (raw.bootstrap_extensions ?? []).map(({ typed_config: config }, i) => ({
      plugin: convertPlugin(config.config, ["bootstrap_extensions", i, "typed_config", "config"], source),
      singleton: config.singleton ?? false,
    })),
    listeners: (resources?.listeners ?? []).flatMap((listener, i) => {
      const path = ["static_resources", "listeners", i];
      const bound = address(listener.address, path);
      return chainsOf(listener, path).map(({ chain, at, isDefault }) => ({
        ...convertChain(listener, chain, at, source),
        index: i,
        match: isDefault ? undefined : convertMatch(chain.filter_chain_match ?? {}),
        inspection: convertInspection(listener),
        address: bound,
      }));
    }),
    clusters: (resources?.clusters ?? []).map((cluster, i) =>
      convertCluster(cluster, local, ["static_resources", "clusters", i], source),
    ),
  };
}

const CORS = "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors";
const UPSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

type Unbound<T> = T extends unknown ? Omit<T, "address" | "index" | "match" | "inspection"> : never;

function convertChain(
  raw: RawListener,
  chain: RawFilterChain,
  chainPath: FieldPath,
  source: Source,
): Unbound<ListenerConfig> {
  const filtersPath = [...chainPath, "filters"];
  const socket = chain.transport_socket?.typed_config;
  const base = {
    name: raw.name ?? "",
    statPrefix: raw.stat_prefix ?? "",
    trafficDirection: DIRECTIONS[raw.traffic_direction ?? "UNSPECIFIED"],
    metadata: raw.metadata?.filter_metadata,
    perConnectionBufferLimitBytes: raw.per_connection_buffer_limit_bytes ?? DEFAULT_BUFFER_LIMIT,
    filterChainName: chain.name ?? "",
    tls:
      socket && "common_tls_context" in socket
        ? convertDownstreamTls(socket, [...chainPath, "transport_socket", "typed_config"], source)
        : undefined,
    handshakeTimeoutMs: durationMs(chain.transport_socket_connect_timeout ?? "0s"),
    networkFilters: convertNetworkFilters(chain.filters, filtersPath, source),
  };
  const last = chain.filters.length - 1;
  const terminal = chain.filters[last]!.typed_config;
  if ("route_config" in terminal) {
    const http = convertManager(terminal, [...filtersPath, last, "typed_config"], source);
    return { ...base, kind: "http", http };
  }
  return {
    ...base,
    kind: "tcp",
    tcp: convertTcpProxy(terminal as RawTcpProxy, [...filtersPath, last, "typed_config"], source),
  };
}

function convertManager(manager: RawManager, path: FieldPath, source: Source): HttpConnectionManagerConfig {
  const { route_config: routes, set_current_client_cert_details: details } = manager;
  return {
    statPrefix: manager.stat_prefix,
    codecType: manager.codec_type ?? "AUTO",
    http2: convertHttp2(manager.http2_protocol_options ?? {}),
    codec: convertDownstreamCodec(manager),
    timeouts: convertManagerTimeouts(manager),
    serverName: manager.server_name || "envoy",
    clientCert: {
      mode: manager.forward_client_cert_details ?? "SANITIZE",
      details: {
        subject: details?.subject ?? false,
        cert: details?.cert ?? false,
        dns: details?.dns ?? false,
        uri: details?.uri ?? false,
      },
    },
    edge: convertEdge(manager, routes),
    tracing: manager.tracing && convertTracing(manager.tracing),
    routeConfigName: routes.name ?? "",
    ignorePortInHostMatching: routes.ignore_port_in_host_matching ?? false,
    virtualHosts: (routes.virtual_hosts ?? []).map(convertHost),
    httpFilters: (manager.http_filters ?? []).map((filter, i) =>
      convertFilter(filter, [...path, "http_filters", i, "typed_config", "config"], source),
    ),
    accessLogs: convertAccessLogs(manager.access_log, [...path, "access_log"], source),
    localReply: convertLocalReply(manager.local_reply_config),
    accessLogOptions: convertLogOptions(manager.access_log_options, "flush_access_log_on_new_request"),
    upgrades: convertManagerUpgrades(manager.upgrade_configs, (filters, u) =>
      filters.map((filter, i) =>
        convertFilter(
          filter,
          [...path, "upgrade_configs", u, "filters", i, "typed_config", "config"],
          source,
        ),
      ),
    ),
    filterConfigs: convertFilterConfigs(routes.typed_per_filter_config),
    requestHeaderMutation: mutation(routes.request_headers_to_add, routes.request_headers_to_remove),
    responseHeaderMutation: mutation(routes.response_headers_to_add, routes.response_headers_to_remove),
  };
}

function convertNetworkFilters(
  filters: readonly RawNetworkFilter[],
  path: FieldPath,
  source: Source,
): NetworkFilterConfig[] {
  return filters.flatMap(({ name, typed_config: config }, i) =>
    "config" in config
      ? [{ name, plugin: convertPlugin(config.config, [...path, i, "typed_config", "config"], source) }]
      : [],
  );
}

type RawFilter = NonNullable<RawManager["http_filters"]>[number];

function convertFilter(
  { name, typed_config: config }: RawFilter,
  path: FieldPath,
  source: Source,
): HttpFilterConfig {
  if ("config" in config) return { kind: "wasm", name, plugin: convertPlugin(config.config, path, source) };
  if (config["@type"] === CORS) return { kind: "cors", name };
  if ("pass_through_mode" in config) return { kind: "own health", name, health: convertOwnHealth(config) };
  return {
    kind: "router",
    name,
    suppressEnvoyHeaders: config.suppress_envoy_headers ?? false,
    respectExpectedTimeout: config.respect_expected_rq_timeout ?? false,
  };
}

function convertCluster(raw: RawCluster, local: Locality, path: FieldPath, source: Source): ClusterConfig {
  const choice = inOldForm(raw);
  const socket = raw.transport_socket?.typed_config;
  const protocol = raw.typed_extension_protocol_options?.[HTTP_OPTIONS_KEY];
  const options = protocol?.explicit_http_config;
  const common = protocol?.common_http_protocol_options;
  const breakers = raw.circuit_breakers?.thresholds?.find(({ priority }) => priority !== "HIGH");
  const high = raw.circuit_breakers?.thresholds?.find(({ priority }) => priority === "HIGH");
  const perHost = raw.circuit_breakers?.per_host_thresholds?.find(({ priority }) => priority !== "HIGH");
  const http2 = options ? options.http2_protocol_options : raw.http2_protocol_options;
  return {
    name: raw.name,
    statName: raw.alt_stat_name || raw.name,
    type: raw.type ?? "STATIC",
    connectTimeoutMs:
      raw.connect_timeout === undefined ? DEFAULT_CONNECT_TIMEOUT_MS : durationMs(raw.connect_timeout),
    dnsLookupFamily: raw.dns_lookup_family ?? "AUTO",
    metadata: raw.metadata?.filter_metadata,
    endpoints: convertEndpoints(raw),
    hostSets: convertHostSets(choice, local),
    originalDst: convertOriginalDst(raw),
    subsets: choice.lb_subset_config && convertSubsets(choice.lb_subset_config),
    codec: convertUpstreamCodec(protocol ?? {}, http2 !== undefined),
    http2: http2 && convertHttp2(http2),
    perConnectionBufferLimitBytes: raw.per_connection_buffer_limit_bytes ?? DEFAULT_BUFFER_LIMIT,
    tls:
      socket?.["@type"] === UPSTREAM_TLS
        ? convertUpstreamTls(socket, [...path, "transport_socket", "typed_config"], source)
        : undefined,
    balancing: convertBalancing(choice),
    healthCheck:
      raw.health_checks?.[0] && convertHealthCheck(raw.health_checks[0], http2 && convertHttp2(http2)),
    hostHealth: {
      ignoreNewHosts: raw.common_lb_config?.ignore_new_hosts_until_first_hc ?? false,
      ignoreHealthOnRemoval: raw.ignore_health_on_host_removal ?? false,
      closeOnFailure: raw.close_connections_on_host_health_failure ?? false,
      renewOnChange: raw.common_lb_config?.close_connections_on_host_set_change ?? false,
    },
    outlier: raw.outlier_detection && convertOutlier(raw.outlier_detection),
    connectionLimits: {
      perHost: perHost?.max_connections ?? Number.MAX_SAFE_INTEGER,
      trackRemaining: { default: breakers?.track_remaining ?? false, high: high?.track_remaining ?? false },
    },
    circuitBreakers: {
      max_connections: breakers?.max_connections ?? CIRCUIT_BREAKERS.max_connections,
      max_pending_requests: breakers?.max_pending_requests ?? CIRCUIT_BREAKERS.max_pending_requests,
      max_requests: breakers?.max_requests ?? CIRCUIT_BREAKERS.max_requests,
      max_retries: breakers?.max_retries ?? CIRCUIT_BREAKERS.max_retries,
    },
    retryBudget: convertBudget(breakers?.retry_budget),
    maxRequestsPerConnection: common?.max_requests_per_connection ?? raw.max_requests_per_connection ?? 0,
    idleTimeoutMs: wholeMs(common?.idle_timeout) ?? DEFAULT_IDLE_MS,
    maxStreamMs: wholeMs(common?.max_stream_duration) ?? 0,
  };
}
