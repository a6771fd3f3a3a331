import * as z from "zod";
import { accessLog, httpLogOptions } from "./access-log";
import { cluster } from "./cluster";
import { downstreamHttp1, downstreamMessages, managerLimits } from "./codec";
import { address, locality, metadata } from "./common";
import { corsFilter } from "./cors";
import { edgeFields, onePortRule } from "./edge";
import { filterChainMatch, listenerFilter } from "./filter-chain";
import { downstreamHttp2 } from "./http2";
import { localReply } from "./local-reply";
import { message, rule, typed, unknownType } from "./message";
import { networkWasm, terminalLast } from "./network";
import { ownHealthFilter } from "./own-health";
import { bootstrapExtension } from "./plugins";
import { routeConfig } from "./route";
import {
  bool,
  duration,
  durationWithin,
  enumeration,
  headerValue,
  requiredText,
  struct,
  text,
  u32,
} from "./scalars";
import { statsTag } from "./stats-tag";
import { tcpProxy } from "./tcp-proxy";
import { downstreamLimits, managerTimeouts } from "./timeouts";
import { downstreamSocket } from "./tls";
import { tracing } from "./tracing";
import { managerUpgrades, upgradesDiffer } from "./upgrade";
import { pluginConfig } from "./wasm";

const FILTERS = "envoy.extensions.filters";

const httpFilter = message(
  {
    name: requiredText,
    typed_config: z.discriminatedUnion(
      "@type",
      [
        typed(`${FILTERS}.http.wasm.v3.Wasm`, { config: pluginConfig }, {}),
        corsFilter,
        ownHealthFilter,
        typed(
          `${FILTERS}.http.router.v3.Router`,
          {},
          { suppress_envoy_headers: bool, respect_expected_rq_timeout: bool },
        ),
      ],
      {
        error: unknownType(
          "envoy.extensions.filters.http.wasm.v3.Wasm, .cors.v3.Cors, .health_check.v3.HealthCheck and .router.v3.Router",
        ),
      },
    ),
  },
  {},
);

const connectionManager = typed(
  `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
  { stat_prefix: requiredText, route_config: routeConfig },
  {
    codec_type: enumeration({ 0: "AUTO", 1: "HTTP1", 2: "HTTP2", 3: "HTTP3" }, ["AUTO", "HTTP1", "HTTP2"]),
    http_filters: z.array(httpFilter),
    http_protocol_options: downstreamHttp1,
    http2_protocol_options: downstreamHttp2,
    common_http_protocol_options: message({}, { ...downstreamLimits, ...downstreamMessages }),
    ...managerTimeouts,
    ...managerLimits,
    server_name: headerValue,
    forward_client_cert_details: enumeration({
      0: "SANITIZE",
      1: "FORWARD_ONLY",
      2: "APPEND_FORWARD",
      3: "SANITIZE_SET",
      4: "ALWAYS_FORWARD_ONLY",
    }),
    set_current_client_cert_details: message({}, { subject: bool, cert: bool, dns: bool, uri: bool }),
    access_log: z.array(accessLog),
    upgrade_configs: managerUpgrades(z.array(httpFilter)),
    tracing,
    ...edgeFields,
    access_log_options: httpLogOptions,
    local_reply_config: localReply,
  },
).check(upgradesDiffer, onePortRule);

const networkFilter = message(
  {
    name: requiredText,
    typed_config: z.discriminatedUnion("@type", [connectionManager, tcpProxy, networkWasm], {
      error: unknownType(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, .tcp_proxy.v3.TcpProxy and .wasm.v3.Wasm",
      ),
    }),
  },
  {},
);

const filterChain = message(
  { filters: z.array(networkFilter).min(1, "needs at least one filter") },
  {
    name: text,
    filter_chain_match: filterChainMatch,
    transport_socket: downstreamSocket,
    transport_socket_connect_timeout: duration,
  },
).check(terminalLast);

const listener = message(
  {
    address,
  },
  {
    filter_chains: z.array(filterChain),
    default_filter_chain: filterChain,
    listener_filters: z.array(listenerFilter),
    listener_filters_timeout: duration,
    continue_on_listener_filters_timeout: bool,
    name: text,
    stat_prefix: text,
    traffic_direction: enumeration({ 0: "UNSPECIFIED", 1: "INBOUND", 2: "OUTBOUND" }),
    metadata,
    per_connection_buffer_limit_bytes: u32,
  },
).check(
  rule<{ filter_chains?: unknown; default_filter_chain?: unknown }>((value, fail) => {
    const chains = value.filter_chains;
    const none = chains === undefined || (Array.isArray(chains) && chains.length === 0);
    if (none && value.default_filter_chain === undefined)
      fail("needs at least one filter chain", [], "missing");
  }),
);

/** The whole file. */
export const bootstrap = message(
  {},
  {
    node: message({}, { id: text, cluster: text, locality, metadata: struct }),
    admin: message({ address }, {}),
    stats_config: message({}, { stats_tags: z.array(statsTag), use_all_default_tags: bool }),
    bootstrap_extensions: z.array(bootstrapExtension),
    stats_flush_interval: durationWithin(1, 300_000, "must be from 0.001s to below 300s"),
    static_resources: message({}, { listeners: z.array(listener), clusters: z.array(cluster) }),
  },
);

/** What cross-field rules look at; a hole is a part that is wrong in itself. */
export interface CheckedParts {
  admin?: RawBootstrap["admin"];
  static_resources?: {
    listeners?: (RawListener | undefined)[] | undefined;
    /** Of a broken cluster only the name is known. */
    clusters?: (RawCluster | { name: string; broken: true } | undefined)[] | undefined;
  };
}

/** The parts of a wrong file that are right by themselves, so that their other faults are reported along with it. */
export function goodParts(plain: Record<string, unknown>): CheckedParts {
  const resources = plain.static_resources as Record<string, unknown> | undefined;
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  return {
    admin: message({ address }, {}).safeParse(plain.admin).data,
    static_resources: {
      listeners: list(resources?.listeners).map((one) => listener.safeParse(one).data),
      clusters: list(resources?.clusters).map((one) => {
        const name = (one as { name?: unknown } | null)?.name;
        return cluster.safeParse(one).data ?? (typeof name === "string" ? { name, broken: true } : undefined);
      }),
    },
  };
}

/** The validated file in Envoy's own field names. */
export type RawBootstrap = z.output<typeof bootstrap>;
export type RawListener = z.output<typeof listener>;
export type RawFilterChain = z.output<typeof filterChain>;
export type RawCluster = z.output<typeof cluster>;
export type RawPlugin = z.output<typeof pluginConfig>;
export type RawRouteConfig = z.output<typeof routeConfig>;
export type RawManager = z.output<typeof connectionManager>;
export type RawTcpProxy = z.output<typeof tcpProxy>;
export type RawNetworkFilter = z.output<typeof networkFilter>;
