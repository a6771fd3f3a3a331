import * as z from "zod";
import { fractionalPercent, metadata, regexMatcher, stringMatcher } from "./common";
import { corsPolicy, filterConfigs } from "./cors";
import { formatString } from "./format";
import { mutations } from "./header-mutations";
import { message, oneOf, rule } from "./message";
import { retryPolicy } from "./retry";
import { groupsExist, pathSeparatedPrefix, weightsAddUp } from "./route-rules";
import {
  bool,
  bytes,
  duration,
  enumeration,
  headerName,
  headerValue,
  i64,
  port,
  requiredText,
  responseStatus,
  text,
  u32,
} from "./scalars";
import { routeTimeouts } from "./timeouts";
import { decorator } from "./tracing";
import { routeUpgrades, upgradesDiffer } from "./upgrade";

const HEADER_FORMS = {
  exact_match: text,
  safe_regex_match: regexMatcher,
  range_match: message({ start: i64, end: i64 }, {}),
  present_match: bool,
  prefix_match: requiredText,
  suffix_match: requiredText,
  contains_match: requiredText,
  string_match: stringMatcher,
};

export const headerMatcher = message(
  { name: headerName },
  { ...HEADER_FORMS, invert_match: bool, treat_missing_header_as_empty: bool },
).check(oneOf(Object.keys(HEADER_FORMS), "optional"));

const queryMatcher = message(
  { name: requiredText.max(1024, "must not be longer than 1024 bytes").meta({ type: "string" }) },
  { string_match: stringMatcher, present_match: bool },
).check(oneOf(["string_match", "present_match"], "optional"));

const retry = retryPolicy(z.array(headerMatcher));

const runtimeFraction = message({ default_value: fractionalPercent }, { runtime_key: text });

const match = message(
  {},
  {
    prefix: text,
    path: text,
    path_separated_prefix: pathSeparatedPrefix,
    safe_regex: regexMatcher,
    connect_matcher: message({}, {}),
    runtime_fraction: runtimeFraction,
    case_sensitive: bool,
    headers: z.array(headerMatcher),
    query_parameters: z.array(queryMatcher),
  },
).check(oneOf(["prefix", "path", "path_separated_prefix", "safe_regex", "connect_matcher"], "required"));

const regexRewrite = message({ pattern: regexMatcher }, { substitution: headerValue }).check(groupsExist);

const weightedCluster = message(
  { name: requiredText, weight: u32 },
  {
    metadata_match: metadata,
    host_rewrite_literal: headerValue,
    typed_per_filter_config: filterConfigs,
    ...mutations,
  },
);

const weightedClusters = message(
  { clusters: z.array(weightedCluster).min(1, "must not be empty") },
  {
    total_weight: u32.refine((weight) => weight > 0, "must be at least 1").meta({ type: "uint32" }),
    runtime_key_prefix: text,
  },
).check(weightsAddUp);

const mirrorPolicy = message(
  { cluster: requiredText },
  { runtime_fraction: runtimeFraction, disable_shadow_host_suffix_append: bool },
);

const HASHED = {
  header: message({ header_name: headerName }, {}),
  cookie: message({ name: requiredText }, { ttl: duration, path: text }),
  connection_properties: message({}, { source_ip: bool }),
  query_parameter: message({ name: requiredText }, {}),
};
const hashPolicy = message({}, { ...HASHED, terminal: bool }).check(oneOf(Object.keys(HASHED), "required"));

const HOST_REWRITES = {
  host_rewrite_literal: headerValue,
  auto_host_rewrite: bool,
  host_rewrite_header: headerName,
  host_rewrite_path_regex: regexRewrite,
};

const action = message(
  {},
  {
    metadata_match: metadata,
    cluster: requiredText,
    cluster_header: headerName,
    weighted_clusters: weightedClusters,
    cluster_not_found_response_code: enumeration({
      0: "SERVICE_UNAVAILABLE",
      1: "NOT_FOUND",
      2: "INTERNAL_SERVER_ERROR",
    }),
    ...routeTimeouts,
    cors: corsPolicy,
    prefix_rewrite: headerValue,
    regex_rewrite: regexRewrite,
    ...HOST_REWRITES,
    append_x_forwarded_host: bool,
    retry_policy: retry,
    hash_policy: z.array(hashPolicy),
    request_mirror_policies: z.array(mirrorPolicy),
    upgrade_configs: routeUpgrades,
  },
).check(
  oneOf(["cluster", "cluster_header", "weighted_clusters"], "required"),
  oneOf(["prefix_rewrite", "regex_rewrite"], "optional"),
  oneOf(Object.keys(HOST_REWRITES), "optional"),
  upgradesDiffer,
);

const redirect = message(
  {},
  {
    https_redirect: bool,
    scheme_redirect: text,
    host_redirect: headerValue,
    port_redirect: port,
    path_redirect: headerValue,
    prefix_rewrite: headerValue,
    regex_rewrite: regexRewrite,
    response_code: enumeration({
      0: "MOVED_PERMANENTLY",
      1: "FOUND",
      2: "SEE_OTHER",
      3: "TEMPORARY_REDIRECT",
      4: "PERMANENT_REDIRECT",
    }),
    strip_query: bool,
  },
).check(
  oneOf(["https_redirect", "scheme_redirect"], "optional"),
  oneOf(["path_redirect", "prefix_rewrite", "regex_rewrite"], "optional"),
);

/** Envoy's limit for the body of a direct response. */
const MAX_DIRECT_BODY = 4096;
const bodyFits = rule<{ inline_string?: unknown; inline_bytes?: unknown }>((value, fail) => {
  const { inline_string: text, inline_bytes: base64 } = value;
  const size =
    typeof text === "string"
      ? Buffer.byteLength(text)
      : typeof base64 === "string"
        ? Buffer.from(base64, "base64").length
        : 0;
  if (size > MAX_DIRECT_BODY) fail(`the body is ${size} bytes long; the most is ${MAX_DIRECT_BODY}`);
});

const directResponse = message(
  { status: responseStatus },
  {
    body: message({}, { inline_string: text, inline_bytes: bytes }).check(
      oneOf(["inline_string", "inline_bytes"], "required"),
      bodyFits,
    ),
    body_format: formatString,
  },
);

const route = message(
  { match },
  {
    name: text,
    metadata,
    typed_per_filter_config: filterConfigs,
    route: action,
    redirect,
    direct_response: directResponse,
    decorator,
    ...mutations,
  },
).check(oneOf(["route", "redirect", "direct_response"], "required"));

const virtualHost = message(
  { name: requiredText, domains: z.array(headerName).min(1, "must not be empty") },
  {
    metadata,
    routes: z.array(route),
    retry_policy: retry,
    cors: corsPolicy,
    typed_per_filter_config: filterConfigs,
    include_request_attempt_count: bool,
    include_attempt_count_in_response: bool,
    include_is_timeout_retry_header: bool,
    ...mutations,
  },
);

/** `RouteConfiguration`. */
export const routeConfig = message(
  {},
  {
    name: text,
    virtual_hosts: z.array(virtualHost),
    validate_clusters: bool,
    typed_per_filter_config: filterConfigs,
    internal_only_headers: z.array(headerName),
    ignore_port_in_host_matching: bool,
    ...mutations,
  },
);
