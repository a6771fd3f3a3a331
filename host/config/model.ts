import type { SourcePosition } from "../errors";
import type { Metadata } from "../stores/stream-info";

/** The typed model of a validated bootstrap file: Envoy's v3 fields under camelCase names, defaults filled in. */
export interface Bootstrap {
  /** The file as it was read, for messages. */
  file: string;
  /** Plain JSON of the whole file after overrides, snake_case as Envoy prints it in /config_dump. */
  raw: Record<string, unknown>;
  node: NodeConfig;
  admin: AddressConfig | undefined;
  statsTags: StatsTag[];
  /** `stats_config.use_all_default_tags`, default true. */
  useDefaultTags: boolean;
  /** `stats_flush_interval`, milliseconds, default 5000. */
  statsFlushIntervalMs: number;
  /** `bootstrap_extensions`: plugins that serve no listener. */
  services: WasmServiceConfig[];
  /** An entry for each filter chain. */
  listeners: ListenerConfig[];
  clusters: ClusterConfig[];
}

export interface NodeConfig {
  id: string;
  cluster: string;
  locality: { region: string; zone: string; subZone: string };
  metadata: Record<string, unknown>;
}

export interface AddressConfig {
  address: string;
  port: number;
  position: SourcePosition;
}

/** Exactly one of `regex` and `fixedValue` is set. */
export interface StatsTag {
  tagName: string;
  regex: string | undefined;
  fixedValue: string | undefined;
}

/** A filter chain with what its listener says, told apart by the chain's terminal filter. */
export type ListenerConfig = HttpListenerConfig | TcpListenerConfig;

interface ListenerBase {
  /** Which of the file's listeners it belongs to; chains of one follow one another. */
  index: number;
  /** Which connections are the chain's; undefined = those that no other chain of the listener takes. */
  match: FilterChainMatch | undefined;
  /** What looks at connections before a chain is chosen. */
  inspection: InspectionConfig;
  /** The `envoy.filters.network.wasm` filters in front of the terminal filter, in chain order. */
  networkFilters: NetworkFilterConfig[];
  name: string;
  /** What stands in stats for the address; "" = the address. */
  statPrefix: string;
  address: AddressConfig;
  /** 0 unspecified, 1 inbound, 2 outbound. */
  trafficDirection: number;
  metadata: Metadata | undefined;
  perConnectionBufferLimitBytes: number;
  filterChainName: string;
  /** TLS with clients; undefined = plain. */
  tls: DownstreamTlsConfig | undefined;
  /** Milliseconds a handshake may take; 0 = any time. */
  handshakeTimeoutMs: number;
}

export interface HttpListenerConfig extends ListenerBase {
  kind: "http";
  http: HttpConnectionManagerConfig;
}

export interface TcpListenerConfig extends ListenerBase {
  kind: "tcp";
  tcp: TcpProxyConfig;
}

/** The listener filters of a listener. */
export interface InspectionConfig {
  /** Clients' first bytes are looked at for TLS. */
  tls: boolean;
  /** Milliseconds they may take; 0 = any time. */
  timeoutMs: number;
  /** A client that takes longer is served as one of plain bytes. */
  continueOnTimeout: boolean;
}

/** `FilterChainMatch`; what is empty fits every connection. */
export interface FilterChainMatch {
  destinationPort: number | undefined;
  destinations: Cidr[];
  /** `*.example.com` = every name below. */
  serverNames: string[];
  transportProtocol: "" | "tls" | "raw_buffer";
  applicationProtocols: string[];
  directSources: Cidr[];
  sourceType: "ANY" | "SAME_IP_OR_LOOPBACK" | "EXTERNAL";
  sources: Cidr[];
  sourcePorts: number[];
}

export interface Cidr {
  address: string;
  prefixLength: number;
}

/** Bytes that are read when they are needed, and where the file names them. */
export type DataSource = { position: SourcePosition; positionPath: string } & (
  | { kind: "file"; path: string }
  | { kind: "inline"; bytes: Buffer }
);

/** `DownstreamTlsContext` with its `common_tls_context`. */
export interface DownstreamTlsConfig {
  certificate: TlsCertificateConfig;
  parameters: TlsParameters;
  /** Undefined: clients are not asked for a certificate, unless one is required. */
  validation: CertificateValidation | undefined;
  /** In the order of preference; empty = ALPN is not answered. */
  alpnProtocols: string[];
  requireClientCertificate: boolean;
  sessionTickets: boolean;
  /** Seconds a session may be resumed; undefined = the library's default. */
  sessionTimeout: number | undefined;
  preferClientCiphers: boolean;
}

/** `UpstreamTlsContext` with its `common_tls_context`. */
export interface UpstreamTlsConfig {
  /** Shown to hosts that ask for one. */
  certificate: TlsCertificateConfig | undefined;
  parameters: TlsParameters;
  /** Undefined: whoever answers is believed. */
  validation: CertificateValidation | undefined;
  /** Empty = what the connection is for: `h2`, `http/1.1`, or nothing at all. */
  alpnProtocols: string[];
  /** The name asked for; "" = none. */
  sni: string;
  /** The host's own name instead, when it has one. */
  autoHostSni: boolean;
  /** The certificate must be for the name asked for; its other names do not count then. */
  autoSniSanValidation: boolean;
  /** Sessions are resumed. */
  resumes: boolean;
}

export interface TlsCertificateConfig {
  chain: DataSource;
  key: DataSource;
  password: DataSource | undefined;
}

export interface TlsParameters {
  minVersion: TlsVersion;
  maxVersion: TlsVersion;
  /** Names of OpenSSL, for TLS 1.2. */
  cipherSuites: string[];
  /** Empty = the library's choice. */
  curves: string[];
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** `CertificateValidationContext`: what a peer's certificate must be. */
export interface CertificateValidation {
  trustedCa: DataSource | undefined;
  crl: DataSource | undefined;
  /** One of them must match one of the certificate's names; empty = any name. */
  subjectAltNames: SanMatcher[];
  /** SHA-256 of the certificate (hexadecimal, lower case) or of its public key (base64); one of them all must fit. */
  hashes: string[];
  spkis: string[];
  /** Whoever signed it: what is wrong with the chain is only noted. */
  acceptUntrusted: boolean;
}

export interface SanMatcher extends StringMatch {
  type: "EMAIL" | "DNS" | "URI" | "IP_ADDRESS";
}

/** `StringMatcher`. */
export interface StringMatch {
  kind: "exact" | "prefix" | "suffix" | "contains" | "regex";
  value: string;
  ignoreCase: boolean;
}

export interface NetworkFilterConfig {
  name: string;
  plugin: WasmPluginConfig;
}

export interface TcpProxyConfig {
  statPrefix: string;
  cluster: string;
  /** Milliseconds without a byte either way before the connection ends; 0 = never; default an hour. */
  idleTimeoutMs: number;
  /** Connections tried for one client before it is given up; default 1. */
  maxConnectAttempts: number;
}

export interface HttpConnectionManagerConfig {
  statPrefix: string;
  codecType: "AUTO" | "HTTP1" | "HTTP2";
  http2: Http2Config;
  /** `http_protocol_options`. */
  enableTrailers: boolean;
  acceptHttp10: boolean;
  clientCert: ClientCertHeaderConfig;
  /** `server_name`, default `envoy`. */
  serverName: string;
  routeConfigName: string;
  virtualHosts: VirtualHostConfig[];
  httpFilters: HttpFilterConfig[];
  /** `access_log` */
  accessLogs: WasmPluginConfig[];
  requestHeaderMutation: HeaderMutation;
  responseHeaderMutation: HeaderMutation;
}

/** `*_headers_to_add` / `*_headers_to_remove` of one level. */
export interface HeaderMutation {
  add: HeaderToAdd[];
  remove: string[];
}

export interface HeaderToAdd {
  name: string;
  value: string;
  action: "APPEND_IF_EXISTS_OR_ADD" | "ADD_IF_ABSENT" | "OVERWRITE_IF_EXISTS_OR_ADD" | "OVERWRITE_IF_EXISTS";
  keepEmptyValue: boolean;
}

export interface VirtualHostConfig {
  name: string;
  domains: string[];
  metadata: Metadata | undefined;
  routes: RouteConfig[];
  /** `x-envoy-attempt-count` goes to the upstream, or back to the client. */
  attemptCountUpstream: boolean;
  attemptCountDownstream: boolean;
  requestHeaders: HeaderMutation;
  responseHeaders: HeaderMutation;
}

export interface RouteConfig {
  name: string;
  metadata: Metadata | undefined;
  match: RouteMatch;
  action: RouteAction;
  requestHeaders: HeaderMutation;
  responseHeaders: HeaderMutation;
}

export interface RouteMatch {
  path: { kind: "prefix" | "path" | "regex" | "separated prefix"; value: string };
  /** Undefined: every request. */
  fraction: Fraction | undefined;
  caseSensitive: boolean;
  headers: HeaderMatcherConfig[];
  queryParameters: QueryMatcherConfig[];
}

/** `kind: "present"` uses `present`; `range` uses start and end (end exclusive); the rest use `value`. */
export interface HeaderMatcherConfig {
  name: string;
  kind: "exact" | "prefix" | "suffix" | "contains" | "regex" | "present" | "range";
  value: string;
  present: boolean;
  range: { start: number; end: number };
  ignoreCase: boolean;
  invert: boolean;
  treatMissingAsEmpty: boolean;
}

export interface QueryMatcherConfig {
  name: string;
  kind: "exact" | "prefix" | "suffix" | "contains" | "regex" | "present";
  value: string;
  ignoreCase: boolean;
  present: boolean;
}

/** `FractionalPercent`: so many requests out of so many. */
export interface Fraction {
  numerator: number;
  denominator: number;
}

/** `RegexMatchAndSubstitute` */
export interface RegexRewrite {
  pattern: string;
  /** `\\0` to `\\9` stand for groups, `\\\\` for a backslash. */
  substitution: string;
}

export type HostRewrite =
  | { kind: "literal"; value: string }
  | { kind: "header"; name: string }
  | { kind: "path"; rewrite: RegexRewrite }
  /** The chosen host's own name. */
  | { kind: "auto" };

/** What of a request is hashed; `terminal` ends the list once there is a hash. */
export type HashPolicy = { terminal: boolean } & (
  | { by: "header"; name: string }
  | { by: "query"; name: string }
  | { by: "source ip" }
  /** With a time to live a client without the cookie is given one; 0 = for its session. */
  | { by: "cookie"; name: string; ttlSeconds: number | undefined; path: string }
);

/** `RetryPolicy` */
export interface RetryPolicy {
  on: ReadonlySet<string>;
  retries: number;
  /** Milliseconds of one attempt; 0 = no limit of its own. */
  perTryTimeoutMs: number;
  avoidPreviousHosts: boolean;
  /** Picks, at most, that are thrown away because the host was tried already. */
  hostSelectionAttempts: number;
  statusCodes: ReadonlySet<number>;
  headers: HeaderMatcherConfig[];
  /** Milliseconds. */
  backOff: { base: number; max: number };
}

export interface WeightedCluster {
  cluster: string;
  weight: number;
  hostRewriteLiteral: string | undefined;
  requestHeaders: HeaderMutation;
  responseHeaders: HeaderMutation;
}

export interface MirrorPolicy {
  cluster: string;
  fraction: Fraction | undefined;
  /** The copy goes to the same authority, without `-shadow`. */
  keepHost: boolean;
}

/** Where a request goes: to one cluster, to the one a header names, or to one of several by weight. */
export type ClusterChoice =
  | { kind: "one"; cluster: string }
  | { kind: "header"; name: string }
  | { kind: "weighted"; clusters: WeightedCluster[] };

export type RouteAction =
  | {
      kind: "cluster";
      choice: ClusterChoice;
      notFoundStatus: number;
      /** Milliseconds; 0 = none; default 15 000. */
      timeoutMs: number;
      prefixRewrite: string | undefined;
      regexRewrite: RegexRewrite | undefined;
      hostRewrite: HostRewrite | undefined;
      appendForwardedHost: boolean;
      hashPolicies: HashPolicy[];
      /** The virtual host's unless the route has its own. */
      retry: RetryPolicy | undefined;
      mirrors: MirrorPolicy[];
    }
  | { kind: "directResponse"; status: number; body: Buffer }
  | {
      kind: "redirect";
      schemeRedirect: string | undefined;
      httpsRedirect: boolean;
      hostRedirect: string | undefined;
      portRedirect: number | undefined;
      pathRedirect: string | undefined;
      prefixRewrite: string | undefined;
      regexRewrite: RegexRewrite | undefined;
      /** HTTP status: 301, 302, 303, 307, 308. */
      code: number;
      stripQuery: boolean;
    };

export type HttpFilterConfig =
  | { kind: "wasm"; name: string; plugin: WasmPluginConfig }
  | { kind: "router"; name: string; suppressEnvoyHeaders: boolean };

/** A plugin beside the listeners; a singleton runs on the main thread alone. */
export interface WasmServiceConfig {
  plugin: WasmPluginConfig;
  singleton: boolean;
}

/** A plugin as configured; the module is read later (config does no I/O but file paths are checked by `loadBootstrap`). */
export interface WasmPluginConfig {
  name: string;
  rootId: string;
  vmId: string;
  vmConfiguration: Buffer;
  configuration: Buffer;
  code: { kind: "file"; path: string } | { kind: "inline"; bytes: Buffer };
  codePosition: SourcePosition;
  codePath: string;
  failurePolicy: "fail-closed" | "fail-open" | "fail-open-legacy" | "fail-reload";
  reloadBackoffMs: number;
  allowOnHeadersStopIteration: boolean;
  environment: Map<string, string>;
  /** Names of host variables to pass through when they exist. */
  hostEnvironment: string[];
  allowedCapabilities: Set<string> | undefined;
  /** Where the plugin's configuration stands, for "refused its configuration" messages. */
  position: SourcePosition;
  positionPath: string;
}

export interface ClusterConfig {
  name: string;
  /** `alt_stat_name` or the name. */
  statName: string;
  type: "STATIC" | "STRICT_DNS" | "LOGICAL_DNS";
  connectTimeoutMs: number;
  dnsLookupFamily: "AUTO" | "V4_ONLY" | "V6_ONLY" | "V4_PREFERRED" | "ALL";
  metadata: Metadata | undefined;
  endpoints: EndpointConfig[];
  enableTrailers: boolean;
  /** Set when the cluster speaks HTTP/2. */
  http2: Http2Config | undefined;
  perConnectionBufferLimitBytes: number;
  /** TLS with hosts; undefined = plain. */
  tls: UpstreamTlsConfig | undefined;
  circuitBreakers: CircuitBreakers;
  balancing: BalancingConfig;
  /** 0 = as many as come. */
  maxRequestsPerConnection: number;
  /** Milliseconds an unused connection is kept; 0 = for ever. */
  idleTimeoutMs: number;
}

/** `lb_policy` with the configurations of all policies. */
export interface BalancingConfig {
  policy: "ROUND_ROBIN" | "LEAST_REQUEST" | "RANDOM" | "RING_HASH" | "MAGLEV";
  /** Hosts that LEAST_REQUEST compares. */
  choices: number;
  minimumRing: number;
  maximumRing: number;
  /** A prime. */
  tableSize: number;
  /** Hosts are placed by their names. */
  useHostname: boolean;
}

/** Names as `/clusters` prints them. */
export interface CircuitBreakers {
  max_connections: number;
  max_pending_requests: number;
  max_requests: number;
  max_retries: number;
}

/** `forward_client_cert_details` and `set_current_client_cert_details`: what becomes of `x-forwarded-client-cert`. */
export interface ClientCertHeaderConfig {
  mode: "SANITIZE" | "FORWARD_ONLY" | "APPEND_FORWARD" | "SANITIZE_SET" | "ALWAYS_FORWARD_ONLY";
  /** What is told besides who was spoken to and the certificate's digest. */
  details: { subject: boolean; cert: boolean; dns: boolean; uri: boolean };
}

/** `Http2ProtocolOptions`: what this proxy announces to the other side. */
export interface Http2Config {
  maxConcurrentStreams: number;
  /** Bytes a stream, or all streams of a connection together, may be ahead of the reader. */
  streamWindow: number;
  connectionWindow: number;
}

export interface EndpointConfig {
  address: string;
  port: number;
  hostname: string;
  weight: number;
  metadata: Metadata | undefined;
  /** Metadata of the whole locality. */
  localityMetadata: Metadata | undefined;
  locality: { region: string; zone: string; subZone: string };
}
