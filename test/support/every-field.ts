import {
  bootstrap,
  CLUSTER_HTTP2,
  CLUSTER_TRAILERS,
  cluster,
  httpListener,
  type Json,
  networkWasmFilter,
  ROUTER,
  socketAddress,
  stringValue,
  tcpListener,
  wasmAccessLog,
  wasmFilter,
  wasmService,
} from "./bootstrap";
import { mutualTls, type TestPki, tlsCertificate, trustedCa, upstreamTls } from "./tls";

const METADATA = { filter_metadata: { ns: { key: "value", list: [1, true] } } };
const ADD = [{ header: { key: "x-a", value: "1" }, append_action: "ADD_IF_ABSENT", keep_empty_value: true }];
const MUTATIONS = {
  request_headers_to_add: ADD,
  request_headers_to_remove: ["x-b"],
  response_headers_to_add: ADD,
  response_headers_to_remove: ["x-c"],
};
const HEADERS = [
  { name: "a", string_match: { exact: "x", ignore_case: true } },
  { name: "b", string_match: { safe_regex: { regex: "a.*" } }, invert_match: true },
  { name: "c", present_match: true },
  { name: "d", range_match: { start: 1, end: 5 } },
  { name: "e", string_match: { contains: "z" }, treat_missing_header_as_empty: true },
];

const RANGES = [{ address_prefix: "10.0.0.0", prefix_len: 8 }];
const MATCH = {
  destination_port: 443,
  prefix_ranges: RANGES,
  direct_source_prefix_ranges: RANGES,
  source_type: "EXTERNAL",
  source_prefix_ranges: RANGES,
  source_ports: [1],
  server_names: ["a.example", "*.b.example"],
  transport_protocol: "tls",
  application_protocols: ["h2"],
};
const INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const DEFAULT_CHAIN = (tcpListener({ name: "d", cluster: "app" }) as { filter_chains: Json[] })
  .filter_chains[0];

/** Outlier detection, health checks, limits. */
const WATCHED: Json = {
  circuit_breakers: {
    thresholds: [
      {
        priority: "HIGH",
        max_connections: 1,
        max_pending_requests: 1,
        max_requests: 1,
        max_retries: 1,
        track_remaining: true,
      },
    ],
    per_host_thresholds: [{ priority: "DEFAULT", max_connections: 1 }],
  },
  ignore_health_on_host_removal: true,
  close_connections_on_host_health_failure: true,
  common_lb_config: { ignore_new_hosts_until_first_hc: true, close_connections_on_host_set_change: true },
  load_assignment: {
    cluster_name: "watched",
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              address: socketAddress(82),
              health_check_config: { port_value: 83, hostname: "h", disable_active_health_check: true },
            },
          },
        ],
      },
    ],
  },
  health_checks: [
    {
      timeout: "1s",
      interval: "1s",
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      initial_jitter: "1s",
      interval_jitter: "1s",
      interval_jitter_percent: 10,
      reuse_connection: false,
      no_traffic_interval: "1s",
      no_traffic_healthy_interval: "1s",
      unhealthy_interval: "1s",
      unhealthy_edge_interval: "1s",
      healthy_edge_interval: "1s",
      event_log_path: "/dev/null",
      event_logger: [
        {
          name: "file",
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink",
            event_log_path: "/dev/null",
          },
        },
      ],
      always_log_health_check_failures: true,
      always_log_health_check_success: true,
      http_health_check: {
        path: "/",
        host: "h",
        request_headers_to_add: ADD,
        request_headers_to_remove: ["x-b"],
        expected_statuses: [{ start: 200, end: 300 }],
        retriable_statuses: [{ start: 500, end: 501 }],
        codec_client_type: "HTTP2",
        service_name_matcher: { prefix: "s" },
        method: "GET",
        receive: [{ text: "6f6b" }, { binary: "AAAA" }],
        response_buffer_size: 100,
      },
    },
  ],
  outlier_detection: {
    consecutive_5xx: 5,
    interval: "10s",
    base_ejection_time: "30s",
    max_ejection_percent: 10,
    enforcing_consecutive_5xx: 100,
    enforcing_success_rate: 100,
    success_rate_minimum_hosts: 5,
    success_rate_request_volume: 100,
    success_rate_stdev_factor: 1900,
    consecutive_gateway_failure: 5,
    enforcing_consecutive_gateway_failure: 0,
    split_external_local_origin_errors: true,
    consecutive_local_origin_failure: 5,
    enforcing_consecutive_local_origin_failure: 100,
    enforcing_local_origin_success_rate: 100,
    failure_percentage_threshold: 85,
    enforcing_failure_percentage: 0,
    enforcing_failure_percentage_local_origin: 0,
    failure_percentage_minimum_hosts: 5,
    failure_percentage_request_volume: 50,
    max_ejection_time: "300s",
    max_ejection_time_jitter: "1s",
    successful_active_health_check_uneject_host: true,
    always_eject_one_host: false,
    detect_degraded_hosts: true,
  },
};

const CHECK: Json = { timeout: "1s", interval: "1s", unhealthy_threshold: 1, healthy_threshold: 1 };

const DIGEST = "a".repeat(64);

/** TLS with clients, every field of it. */
function everyTls({ ca, server }: TestPki): Json {
  return mutualTls(
    { ca, server },
    {
      tls_params: {
        tls_minimum_protocol_version: "TLSv1_2",
        tls_maximum_protocol_version: "TLS_AUTO",
        cipher_suites: ["ECDHE-ECDSA-AES128-GCM-SHA256"],
        ecdh_curves: ["X25519", "P-256"],
      },
      validation_context: {
        ...trustedCa(ca),
        match_typed_subject_alt_names: [{ san_type: "URI", matcher: { prefix: "spiffe://" } }],
        verify_certificate_spki: [Buffer.from(DIGEST, "hex").toString("base64")],
        verify_certificate_hash: [DIGEST],
        trust_chain_verification: "ACCEPT_UNTRUSTED",
      },
      alpn_protocols: ["h2", "http/1.1"],
    },
    {
      disable_stateless_session_resumption: true,
      disable_stateful_session_resumption: true,
      session_timeout: "60s",
      prefer_client_ciphers: true,
      ocsp_staple_policy: "LENIENT_STAPLING",
    },
  );
}

const MANAGER_LIMITS = {
  stream_idle_timeout: "1s",
  request_timeout: "1s",
  request_headers_timeout: "1s",
  drain_timeout: "1s",
  delayed_close_timeout: "1s",
  http1_safe_max_connection_duration: true,
  common_http_protocol_options: {
    max_headers_count: 50,
    max_requests_per_connection: 1000,
    headers_with_underscores_action: "REJECT_REQUEST",
    idle_timeout: "1s",
    max_connection_duration: "1s",
    max_stream_duration: "1s",
  },
};
const ROUTE_LIMITS = {
  timeout: "1.5s",
  idle_timeout: "1s",
  max_stream_duration: {
    max_stream_duration: "1s",
    grpc_timeout_header_max: "1s",
    grpc_timeout_header_offset: "1s",
  },
  max_grpc_timeout: "1s",
  grpc_timeout_offset: "1s",
};
const RETRIES = {
  retry_on: "5xx,unavailable",
  num_retries: 2,
  per_try_timeout: "1s",
  per_try_idle_timeout: "1s",
  retriable_request_headers: HEADERS,
};
const ALWAYS = { default_value: { numerator: 100 }, runtime_key: "k" };
const CORS = {
  allow_origin_string_match: [{ exact: "http://a" }],
  allow_methods: "GET",
  allow_headers: "x",
  expose_headers: "x",
  max_age: "1",
  allow_credentials: true,
  filter_enabled: ALWAYS,
  shadow_enabled: ALWAYS,
  allow_private_network_access: true,
  forward_not_matching_preflights: true,
};
const OWN_HEALTH = {
  name: "envoy.filters.http.health_check",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck",
    pass_through_mode: true,
    cache_time: "1s",
    headers: [{ name: ":path", string_match: { exact: "/healthz" } }],
    cluster_min_healthy_percentages: { app: { value: 50 } },
  },
};
const CORS_TYPE = "type.googleapis.com/envoy.extensions.filters.http.cors.v3";
const CORS_FILTER = { name: "envoy.filters.http.cors", typed_config: { "@type": `${CORS_TYPE}.Cors` } };
const PER_FILTER = {
  typed_per_filter_config: { "envoy.filters.http.cors": { "@type": `${CORS_TYPE}.CorsPolicy`, ...CORS } },
};

const LOCALITY = { region: "r", zone: "z", sub_zone: "s" };
const HOST_GROUPS = {
  common_lb_config: { healthy_panic_threshold: { value: 12.5 }, locality_weighted_lb_config: {} },
  load_assignment: {
    cluster_name: "groups",
    endpoints: [
      {
        locality: LOCALITY,
        load_balancing_weight: 2,
        priority: 1,
        lb_endpoints: [{ endpoint: { address: socketAddress(81) }, health_status: "DEGRADED" }],
      },
    ],
    policy: { overprovisioning_factor: 100, weighted_priority_health: true },
  },
};

const SLOW_START = {
  slow_start_window: "10s",
  aggression: { default_value: 2, runtime_key: "k" },
  min_weight_percent: { value: 5 },
};

const SUBSETS = {
  fallback_policy: "DEFAULT_SUBSET",
  default_subset: { stage: "prod" },
  subset_selectors: [
    {
      keys: ["version", "stage"],
      fallback_policy: "KEYS_SUBSET",
      fallback_keys_subset: ["stage"],
    },
    { keys: ["id"], single_host_per_subset: true },
  ],
  locality_weight_aware: true,
  scale_locality_weight: true,
  panic_mode_any: true,
  list_as_any: true,
  metadata_fallback_policy: "FALLBACK_LIST",
};

const loadBalancing = (config: Json): Json => ({
  load_balancing_policy: {
    policies: [{ typed_extension_config: { name: "p", typed_config: config } }],
  },
});
const policyType = (name: string) =>
  `type.googleapis.com/envoy.extensions.load_balancing_policies.${name.toLowerCase()}.v3.${name.replaceAll("_", "")}`;
const WEIGHTED = { locality_lb_config: { locality_weighted_lb_config: {} } };
const HASHING = { consistent_hashing_lb_config: { use_hostname_for_hashing: false } };
const POLICIES: readonly Json[] = [
  { "@type": policyType("Round_Robin"), slow_start_config: SLOW_START, ...WEIGHTED },
  { "@type": policyType("Least_Request"), choice_count: 3, slow_start_config: SLOW_START, ...WEIGHTED },
  {
    "@type": policyType("Random"),
    locality_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } },
  },
  {
    "@type": policyType("Ring_Hash"),
    minimum_ring_size: 5,
    maximum_ring_size: 10,
    ...HASHING,
    locality_weighted_lb_config: {},
  },
  { "@type": policyType("Maglev"), table_size: 251, ...HASHING, locality_weighted_lb_config: {} },
  {
    "@type": policyType("Subset"),
    ...SUBSETS,
    allow_redundant_keys: true,
    subset_lb_policy: loadBalancing({ "@type": policyType("Random") }).load_balancing_policy,
  },
];

const ORIGINAL_DST = {
  name: "named-by-requests",
  type: "ORIGINAL_DST",
  lb_policy: "CLUSTER_PROVIDED",
  connect_timeout: "1s",
  cleanup_interval: "10s",
  original_dst_lb_config: { use_http_header: true, http_header_name: "x-where", upstream_port_override: 80 },
};

/** The edge of a connection manager. */
const EDGE: Json = {
  normalize_path: true,
  merge_slashes: true,
  path_with_escaped_slashes_action: "UNESCAPE_AND_REDIRECT",
  strip_any_host_port: true,
  strip_matching_host_port: false,
  strip_trailing_host_dot: true,
  use_remote_address: true,
  xff_num_trusted_hops: 1,
  skip_xff_append: true,
  append_x_forwarded_port: true,
  represent_ipv4_remote_address_as_ipv4_mapped_ipv6: true,
  internal_address_config: {
    unix_sockets: true,
    cidr_ranges: [{ address_prefix: "10.0.0.0", prefix_len: 8 }, { address_prefix: "::1" }],
  },
  via: "1.1 me",
  server_header_transformation: "APPEND_IF_ABSENT",
  scheme_header_transformation: { scheme_to_overwrite: "https", match_upstream: true },
  add_user_agent: true,
  generate_request_id: true,
  preserve_external_request_id: true,
  always_set_request_id_in_response: true,
  request_id_extension: {
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
      pack_trace_reason: true,
      use_request_id_for_trace_sampling: true,
    },
  },
};

const metadataTag = (kind: string): Json => ({
  tag: kind,
  metadata: { kind: { [kind]: {} }, metadata_key: { key: "k", path: [{ key: "p" }] }, default_value: "none" },
});

const TRACING: Json = {
  client_sampling: { value: 1 },
  random_sampling: { value: 0.5 },
  overall_sampling: { value: 100 },
  verbose: true,
  max_path_tag_length: 10,
  spawn_upstream_span: true,
  custom_tags: [
    { tag: "literal", literal: { value: "v" } },
    { tag: "environment", environment: { name: "HOME", default_value: "none" } },
    { tag: "header", request_header: { name: "x-a", default_value: "none" } },
    ...["request", "route", "cluster", "host"].map(metadataTag),
  ],
};

const ZIPKIN: Json = {
  name: "zipkin",
  typed_config: {
    "@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
    collector_cluster: "app",
    collector_endpoint: "/api/v2/spans",
    collector_endpoint_version: "HTTP_JSON",
    trace_id_128bit: true,
    shared_span_context: false,
    collector_hostname: "zipkin",
    trace_context_option: "USE_B3_WITH_W3C_PROPAGATION",
  },
};

const OPEN_TELEMETRY: Json = {
  name: "otel",
  typed_config: {
    "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
    http_service: { http_uri: { uri: "http://app/v1/traces", cluster: "app", timeout: "1s" } },
    service_name: "s",
  },
};

const FILE_LOG: Json = {
  name: "file",
  filter: {
    or_filter: {
      filters: [
        { status_code_filter: { comparison: { op: "GE", value: { default_value: 500, runtime_key: "k" } } } },
        { grpc_status_filter: { statuses: ["NOT_FOUND"], exclude: true } },
        { runtime_filter: { runtime_key: "k", percent_sampled: { numerator: 1 } } },
      ],
    },
  },
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
    path: "/dev/null",
    log_format: { json_format: { a: "%PROTOCOL%" }, omit_empty_values: true },
  },
};

/** A file that uses every field the Node engine supports; `wasm` is the path of its filter's module. */
export function everyField(wasm: string, pki: TestPki): Json {
  return bootstrap({
    more: {
      node: {
        id: "n",
        cluster: "c",
        locality: { region: "r", zone: "z", sub_zone: "s" },
        metadata: { A: { b: 1 } },
      },
      stats_config: {
        use_all_default_tags: false,
        stats_tags: [
          { tag_name: "t", regex: "(t=\\.=(.*?);\\.;)" },
          { tag_name: "f", fixed_value: "v" },
        ],
      },
      stats_flush_interval: "1s",
      bootstrap_extensions: [wasmService({ name: "service", wasm }, { singleton: true })],
    },
    listeners: [
      httpListener({
        name: "l",
        networkFilters: [networkWasmFilter({ name: "bytes", rootId: "hello", wasm })],
        routes: [
          {
            name: "r1",
            metadata: METADATA,
            match: { prefix: "/a", case_sensitive: false, headers: HEADERS },
            route: {
              cluster: "app",
              ...ROUTE_LIMITS,
              retry_policy: RETRIES,
              prefix_rewrite: "/b",
              host_rewrite_literal: "h",
            },
            ...MUTATIONS,
            ...PER_FILTER,
          },
          {
            match: {
              path: "/q",
              query_parameters: [
                { name: "k", string_match: { prefix: "v" } },
                { name: "p", present_match: true },
              ],
            },
            direct_response: { status: 200, body: { inline_string: "hi" } },
            decorator: { operation: "o", propagate: false },
          },
          {
            match: { safe_regex: { regex: "/r/.*" } },
            redirect: {
              https_redirect: true,
              host_redirect: "h",
              port_redirect: 1,
              path_redirect: "/p",
              response_code: "FOUND",
              strip_query: true,
            },
          },
          {
            match: { connect_matcher: {} },
            route: {
              cluster: "app",
              upgrade_configs: [
                { upgrade_type: "CONNECT", enabled: true, connect_config: {} },
                { upgrade_type: "websocket", enabled: false },
              ],
            },
          },
          { match: { prefix: "/" }, route: { cluster: "named", timeout: "0s", metadata_match: METADATA } },
        ],
        virtualHost: {
          domains: ["a.com", "*.b.com"],
          metadata: METADATA,
          include_request_attempt_count: true,
          include_attempt_count_in_response: true,
          include_is_timeout_retry_header: true,
          cors: { max_age: "1" },
          ...MUTATIONS,
        },
        manager: {
          ...EDGE,
          tracing: { ...TRACING, provider: ZIPKIN },
          codec_type: "HTTP1",
          ...MANAGER_LIMITS,
          server_name: "me",
          forward_client_cert_details: "APPEND_FORWARD",
          set_current_client_cert_details: { subject: true, cert: true, dns: true, uri: true },
          http2_protocol_options: {
            allow_connect: true,
            hpack_table_size: 8192,
            override_stream_error_on_invalid_http_message: true,
            max_concurrent_streams: 10,
            initial_stream_window_size: 65535,
            initial_connection_window_size: 65535,
          },
          access_log: [wasmAccessLog({ name: "logger", wasm }), FILE_LOG],
          access_log_options: { access_log_flush_interval: "10s", flush_access_log_on_new_request: true },
          upgrade_configs: [
            { upgrade_type: "websocket", enabled: true, filters: [ROUTER] },
            { upgrade_type: "CONNECT" },
          ],
          http_protocol_options: {
            enable_trailers: true,
            accept_http_10: true,
            default_host_for_http_10: "a.example",
            allow_absolute_url: true,
            allow_chunked_length: true,
            header_key_format: { proper_case_words: {} },
          },
          max_request_headers_kb: 100,
        },
        filterChain: {
          name: "chain",
          filter_chain_match: MATCH,
          transport_socket_connect_timeout: "5s",
          ...everyTls(pki),
        },
        listener: {
          stat_prefix: "ingress",
          listener_filters: [
            { name: "envoy.filters.listener.tls_inspector", typed_config: { "@type": INSPECTOR } },
          ],
          listener_filters_timeout: "1s",
          continue_on_listener_filters_timeout: true,
          default_filter_chain: DEFAULT_CHAIN,
          traffic_direction: "INBOUND",
          metadata: METADATA,
          per_connection_buffer_limit_bytes: 65536,
        },
        filters: [
          CORS_FILTER,
          OWN_HEALTH,
          wasmFilter({
            name: "hello",
            rootId: "hello",
            vmId: "v",
            wasm,
            configuration: {
              "@type": "type.googleapis.com/google.protobuf.Struct",
              value: { a: [1, "x", null] },
            },
            vm: {
              configuration: stringValue("x"),
              environment_variables: { key_values: { A: "b" }, host_env_keys: ["HOME"] },
            },
            plugin: {
              failure_policy: "FAIL_RELOAD",
              reload_config: { backoff: { base_interval: "2s" } },
              allow_on_headers_stop_iteration: true,
              capability_restriction_config: { allowed_capabilities: { proxy_log: {} } },
            },
          }),
        ],
      }),
      httpListener({ name: "otel", routes: [], manager: { tracing: { provider: OPEN_TELEMETRY } } }),
      tcpListener({
        name: "tcp",
        filters: [networkWasmFilter({ name: "tcp", rootId: "hello", wasm })],
        cluster: "app",
        proxy: {
          cluster: undefined,
          weighted_clusters: {
            clusters: [
              { name: "app", weight: 1, metadata_match: { filter_metadata: { "envoy.lb": { v: "1" } } } },
              { name: "named", weight: 3 },
            ],
          },
          metadata_match: { filter_metadata: { "envoy.lb": { v: "1" } } },
          hash_policy: [{ source_ip: {} }],
          idle_timeout: "10s",
          max_connect_attempts: 2,
          max_downstream_connection_duration: "60s",
        },
        listener: { per_connection_buffer_limit_bytes: 4096 },
      }),
    ],
    clusters: [
      cluster("app", 80, {
        metadata: METADATA,
        circuit_breakers: {
          thresholds: [{ retry_budget: { budget_percent: { value: 12.5 }, min_retry_concurrency: 1 } }],
        },
        per_connection_buffer_limit_bytes: 1024,
        ...CLUSTER_TRAILERS,
      }),
      cluster("named", 80, {
        type: "STRICT_DNS",
        dns_lookup_family: "V4_ONLY",
        lb_policy: "ROUND_ROBIN",
        alt_stat_name: "n",
      }),
      cluster(
        "tls",
        80,
        upstreamTls(
          {
            tls_certificates: [tlsCertificate(pki.server)],
            validation_context: trustedCa(pki.ca),
            tls_params: { tls_maximum_protocol_version: "TLSv1_3" },
            alpn_protocols: ["h2"],
          },
          { sni: "s", auto_host_sni: true, auto_sni_san_validation: true, max_session_keys: 1 },
        ),
      ),
      cluster("http2", 80, CLUSTER_HTTP2),
      cluster("groups", 80, HOST_GROUPS),
      ...POLICIES.map((policy, i) => cluster(`policy-${i}`, 80, loadBalancing(policy))),
      cluster("slow", 80, { round_robin_lb_config: { slow_start_config: SLOW_START } }),
      cluster("least", 80, {
        lb_policy: "LEAST_REQUEST",
        least_request_lb_config: {
          choice_count: 3,
          active_request_bias: { default_value: 0.5, runtime_key: "k" },
          slow_start_config: SLOW_START,
        },
      }),
      ORIGINAL_DST,
      cluster("watched", 80, WATCHED),
      cluster("subsets", 80, {
        lb_subset_config: SUBSETS,
        common_lb_config: { locality_weighted_lb_config: {} },
      }),
      cluster("checked", 80, {
        health_checks: [{ ...CHECK, tcp_health_check: { send: { text: "00" }, receive: [{ text: "0F" }] } }],
      }),
      cluster("checked-grpc", 80, {
        ...CLUSTER_HTTP2,
        health_checks: [
          { ...CHECK, grpc_health_check: { service_name: "s", authority: "a", initial_metadata: ADD } },
        ],
      }),
      cluster("http2-deprecated", 80, { http2_protocol_options: { max_concurrent_streams: 10 } }),
    ],
  });
}
