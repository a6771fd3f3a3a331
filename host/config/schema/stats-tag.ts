import { RE2JS } from "re2js";
import { message, oneOf, rule } from "./message";
import { requiredText, text } from "./scalars";

/** Tags Envoy 1.40 has a regex of its own for: `envoy.` and one of these. */
const DEFAULT_TAGS: ReadonlySet<string> = new Set(
  `cluster_name clientssl_prefix connection_limit_prefix dns_filter_prefix dynamo_operation dynamo_partition_id
  dynamo_table ext_authz_prefix fault_downstream_cluster google_grpc_client_prefix grpc_bridge_method
  grpc_bridge_service http_conn_manager_prefix http_user_agent listener_address local_http_ratelimit_prefix
  local_listener_ratelimit_prefix local_network_ratelimit_prefix mongo_callsite mongo_cmd mongo_collection
  mongo_prefix proxy_protocol_prefix proxy_protocol_version ratelimit_prefix rbac_http_prefix rbac_policy_name
  rbac_prefix rds_route_config redis_prefix response_code response_code_class route scoped_rds_config ssl_cipher
  ssl_curve ssl_sigalg ssl_version tcp_prefix thrift_prefix tls_certificate udp_prefix virtual_cluster virtual_host
  worker_id xds_resource_name`.split(/\s+/),
);

const CLASS_NAMES = "alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit";
const ESCAPE = String.raw`\\(?:[dDsSwWbBtnfvr0]|x[0-9a-fA-F]{2}|[^A-Za-z0-9])`;
const CLASS = String.raw`\[\^?(?:${ESCAPE}|\[:(?:${CLASS_NAMES}):\]|[^\][\\])+\]`;
const QUANTIFIER = String.raw`(?:[*+?]|\{\d+(?:,\d*)?\})\??`;
/** One piece of a pattern after another; every alternative starts differently, so this runs in linear time. */
const PIECE = new RegExp(
  String.raw`(?:${ESCAPE}|${CLASS}|\((?:\?:)?|[).|^$]|${QUANTIFIER}|[^\\[\](){}.|^$*+?])`,
  "y",
);

/** Envoy runs tag regexes with std::regex (ECMAScript), this engine with RE2: what both read the same is accepted. */
function tagRegexProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
  } catch (error) {
    return `not a regular expression RE2 takes: ${(error as Error).message}`;
  }
  PIECE.lastIndex = 0;
  let repeatable = false;
  for (let at = 0; at < pattern.length; at = PIECE.lastIndex) {
    const piece = PIECE.exec(pattern)?.[0];
    const refused = piece === undefined || (/^[*+?{]/.test(piece) && !repeatable);
    const range = piece?.startsWith("[") && /\\[dDsSwW]-[^\]]|-\\[dDsSwW]/.test(piece);
    if (refused || range)
      return `not a regular expression Envoy takes for a tag (std::regex): at ${JSON.stringify(pattern.slice(at, at + 10))}`;
    // Nothing to repeat at the start, after ( and |, after what matches a place, and after another quantifier.
    repeatable = !/^(?:[|^$*+?{(]|\\[bB])/.test(piece);
  }
  return undefined;
}

const tagRegex = text
  .max(1024, "must not be longer than 1024 bytes")
  .superRefine((pattern, context) => {
    const problem = pattern === "" ? undefined : tagRegexProblem(pattern);
    if (problem) context.addIssue({ code: "custom", message: problem });
  })
  .meta({ type: "string" });

export const statsTag = message({ tag_name: requiredText }, { regex: tagRegex, fixed_value: text }).check(
  oneOf(["regex", "fixed_value"], "optional"),
  rule((value, fail) => {
    if (value.regex || value.fixed_value !== undefined) return;
    const name = String(value.tag_name);
    const known = name.startsWith("envoy.") && DEFAULT_TAGS.has(name.slice("envoy.".length));
    if (!known) fail("needs one of regex, fixed_value (Envoy has no default regex for this tag)");
  }),
);
