import { convertDownstreamCodec, convertUpstreamCodec } from "../../../../host/config/convert/codec";
import { convertEdge } from "../../../../host/config/convert/edge";
import { convertHttp2 } from "../../../../host/config/convert/http2";
import { convertManagerTimeouts, convertRouteTimeouts } from "../../../../host/config/convert/timeouts";
import { CIRCUIT_BREAKERS } from "../../../../host/config/defaults";
import type {
  Bootstrap,
  ClusterConfig,
  HeaderMutation,
  HttpListenerConfig,
  ListenerConfig,
  RouteAction,
  RouteConfig,
  TcpListenerConfig,
  VirtualHostConfig,
} from "../../../../host/config/model";

const NO_LOG_OPTIONS = { flushIntervalMs: 0, atStart: false };
export const NO_MUTATION: HeaderMutation = { add: [], remove: [] };
const position = { file: "test.yaml", line: 1, column: 1 };

/** A route by path prefix. */
export function route(prefix: string, action: RouteAction, more: Partial<RouteConfig> = {}): RouteConfig {
  return {
    name: "",
    metadata: undefined,
    decorator: undefined,
    match: {
      path: { kind: "prefix", value: prefix },
      fraction: undefined,
      caseSensitive: true,
      headers: [],
      queryParameters: [],
    },
    action,
    filterConfigs: new Map(),
    requestHeaders: NO_MUTATION,
    responseHeaders: NO_MUTATION,
    ...more,
  };
}

export function toCluster(cluster: string, timeoutMs = 15_000): Extract<RouteAction, { kind: "cluster" }> {
  return {
    kind: "cluster",
    choice: { kind: "one", cluster },
    notFoundStatus: 503,
    timeoutMs,
    timeouts: convertRouteTimeouts({}),
    cors: undefined,
    prefixRewrite: undefined,
    regexRewrite: undefined,
    hostRewrite: undefined,
    appendForwardedHost: false,
    retry: undefined,
    hashPolicies: [],
    match: undefined,
    mirrors: [],
    upgrades: undefined,
  };
}

export function virtualHost(routes: RouteConfig[], more: Partial<VirtualHostConfig> = {}): VirtualHostConfig {
  return {
    name: "v",
    domains: ["*"],
    metadata: undefined,
    routes,
    attemptCountUpstream: false,
    attemptCountDownstream: false,
    tellsTimeoutRetry: false,
    cors: undefined,
    filterConfigs: new Map(),
    requestHeaders: NO_MUTATION,
    responseHeaders: NO_MUTATION,
    ...more,
  };
}

const ONE_CHAIN = {
  index: 0,
  match: undefined,
  inspection: { tls: false, timeoutMs: 15_000, continueOnTimeout: false },
  handshakeTimeoutMs: 0,
};

export function listener(
  virtualHosts: VirtualHostConfig[],
  http: Partial<HttpListenerConfig["http"]> = {},
  more: Partial<HttpListenerConfig> = {},
): HttpListenerConfig {
  return {
    kind: "http",
    name: "main",
    statPrefix: "",
    tls: undefined,
    ...ONE_CHAIN,
    address: { address: "127.0.0.1", port: 0, position },
    trafficDirection: 0,
    metadata: undefined,
    perConnectionBufferLimitBytes: 1024 * 1024,
    filterChainName: "",
    networkFilters: [],
    http: {
      statPrefix: "ingress",
      tracing: undefined,
      codecType: "AUTO",
      http2: convertHttp2({}),
      codec: convertDownstreamCodec({}),
      serverName: "envoy",
      timeouts: convertManagerTimeouts({}),
      clientCert: { mode: "SANITIZE", details: { subject: false, cert: false, dns: false, uri: false } },
      edge: convertEdge({}, {}),
      routeConfigName: "r",
      virtualHosts,
      ignorePortInHostMatching: false,
      httpFilters: [
        { kind: "router", name: "router", suppressEnvoyHeaders: false, respectExpectedTimeout: false },
      ],
      accessLogs: [],
      upgrades: [],
      filterConfigs: new Map(),
      localReply: undefined,
      accessLogOptions: NO_LOG_OPTIONS,
      requestHeaderMutation: NO_MUTATION,
      responseHeaderMutation: NO_MUTATION,
      ...http,
    },
    ...more,
  };
}

export function tcpListener(
  tcp: Partial<TcpListenerConfig["tcp"]> = {},
  more: Partial<TcpListenerConfig> = {},
): TcpListenerConfig {
  return {
    kind: "tcp",
    name: "tcp",
    statPrefix: "",
    tls: undefined,
    ...ONE_CHAIN,
    address: { address: "127.0.0.1", port: 0, position },
    trafficDirection: 0,
    metadata: undefined,
    perConnectionBufferLimitBytes: 1024 * 1024,
    filterChainName: "",
    networkFilters: [],
    tcp: {
      statPrefix: "tcp",
      clusters: [{ cluster: "app", weight: 1, match: undefined }],
      match: undefined,
      hashSourceIp: false,
      idleTimeoutMs: 3_600_000,
      maxConnectAttempts: 1,
      maxDurationMs: 0,
      accessLogs: [],
      accessLogOptions: NO_LOG_OPTIONS,
      ...tcp,
    },
    ...more,
  };
}

const NOWHERE = { region: "", zone: "", subZone: "" };

export function cluster(
  name: string,
  port: number | undefined,
  more: Partial<ClusterConfig> = {},
): ClusterConfig {
  return {
    name,
    statName: name,
    type: "STATIC",
    connectTimeoutMs: 5000,
    dnsLookupFamily: "AUTO",
    metadata: undefined,
    endpoints:
      port === undefined
        ? []
        : [
            {
              address: "127.0.0.1",
              port,
              hostname: "",
              weight: 1,
              metadata: undefined,
              localityMetadata: undefined,
              locality: NOWHERE,
              localityWeight: 0,
              priority: 0,
              health: "UNKNOWN",
              check: { port: 0, hostname: "", disabled: false },
            },
          ],
    outlier: undefined,
    subsets: undefined,
    healthCheck: undefined,
    connectionLimits: {
      perHost: Number.MAX_SAFE_INTEGER,
      trackRemaining: { default: false, high: false },
    },
    hostHealth: {
      ignoreNewHosts: false,
      ignoreHealthOnRemoval: false,
      closeOnFailure: false,
      renewOnChange: false,
    },
    originalDst: undefined,
    hostSets: {
      overprovisioningFactor: 140,
      weightedPriorityHealth: false,
      panicThreshold: 50,
      failTrafficOnPanic: false,
      localityWeighted: false,
      localLocality: NOWHERE,
    },
    codec: convertUpstreamCodec({}, false),
    http2: undefined,
    perConnectionBufferLimitBytes: 1024 * 1024,
    tls: undefined,
    balancing: {
      policy: "ROUND_ROBIN",
      choices: 2,
      minimumRing: 1024,
      maximumRing: 8_388_608,
      tableSize: 65_537,
      useHostname: false,
      activeRequestBias: 1,
      slowStart: undefined,
    },
    circuitBreakers: CIRCUIT_BREAKERS,
    maxRequestsPerConnection: 0,
    idleTimeoutMs: 3_600_000,
    maxStreamMs: 0,
    retryBudget: undefined,
    ...more,
  };
}

export function bootstrap(
  listeners: ListenerConfig[],
  clusters: ClusterConfig[],
  more: Partial<Bootstrap> = {},
): Bootstrap {
  return {
    file: "test.yaml",
    raw: {},
    node: { id: "n1", cluster: "c1", locality: NOWHERE, metadata: {} },
    admin: { address: "127.0.0.1", port: 0, position },
    statsTags: [],
    useDefaultTags: true,
    statsFlushIntervalMs: 5000,
    services: [],
    listeners,
    clusters,
    ...more,
  };
}
