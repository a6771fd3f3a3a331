import type * as z from "zod";
import { headerFormat } from "../../formatter/header-format";
import type {
  ClusterChoice,
  HashPolicy,
  HeaderMatcherConfig,
  HeaderMutation,
  HostRewrite,
  QueryMatcherConfig,
  RegexRewrite,
  RouteAction,
  RouteConfig,
  RouteMatch,
  VirtualHostConfig,
} from "../model";
import type { RawRouteConfig } from "../schema/bootstrap";
import type { headersToAdd } from "../schema/header-mutations";
import { durationMs } from "../schema/scalars";
import { bodyFormat } from "./body-format";
import { convertCors, convertFilterConfigs } from "./cors";
import { convertFraction } from "./fraction";
import { convertRetry } from "./retry";
import { stringForm } from "./strings";
import { convertRouteTimeouts, wholeMs } from "./timeouts";
import { convertDecorator } from "./tracing";
import { convertRouteUpgrades } from "./upgrade";

type RawHost = NonNullable<RawRouteConfig["virtual_hosts"]>[number];
type RawRoute = NonNullable<RawHost["routes"]>[number];
type RawMatch = RawRoute["match"];

/** Envoy's route timeout when none is given. */
const DEFAULT_TIMEOUT_MS = 15_000;

export function mutation(
  add: z.output<typeof headersToAdd> | undefined,
  remove: string[] | undefined,
): HeaderMutation {
  return {
    add: (add ?? []).map(({ header, append, append_action, keep_empty_value }) => ({
      name: header.key.toLowerCase(),
      value: headerFormat(header.value ?? ""),
      action: append_action ?? (append === false ? "OVERWRITE_IF_EXISTS_OR_ADD" : "APPEND_IF_EXISTS_OR_ADD"),
      keepEmptyValue: keep_empty_value ?? false,
    })),
    remove: (remove ?? []).map((name) => name.toLowerCase()),
  };
}

export function convertHost(raw: RawHost): VirtualHostConfig {
  return {
    name: raw.name,
    domains: raw.domains,
    metadata: raw.metadata?.filter_metadata,
    routes: (raw.routes ?? []).map((route) => convertRoute(route, raw.retry_policy)),
    attemptCountUpstream: raw.include_request_attempt_count ?? false,
    attemptCountDownstream: raw.include_attempt_count_in_response ?? false,
    tellsTimeoutRetry: raw.include_is_timeout_retry_header ?? false,
    cors: raw.cors && convertCors(raw.cors),
    filterConfigs: convertFilterConfigs(raw.typed_per_filter_config),
    requestHeaders: mutation(raw.request_headers_to_add, raw.request_headers_to_remove),
    responseHeaders: mutation(raw.response_headers_to_add, raw.response_headers_to_remove),
  };
}

function convertRoute(raw: RawRoute, retry: RawHost["retry_policy"]): RouteConfig {
  return {
    name: raw.name ?? "",
    metadata: raw.metadata?.filter_metadata,
    match: convertMatch(raw.match),
    filterConfigs: convertFilterConfigs(raw.typed_per_filter_config),
    action: convertAction(raw, retry),
    decorator: raw.decorator && convertDecorator(raw.decorator),
    requestHeaders: mutation(raw.request_headers_to_add, raw.request_headers_to_remove),
    responseHeaders: mutation(raw.response_headers_to_add, raw.response_headers_to_remove),
  };
}

function convertMatch(raw: RawMatch): RouteMatch {
  return {
    path: convertPath(raw),
    fraction: convertFraction(raw.runtime_fraction),
    caseSensitive: raw.case_sensitive ?? true,
    headers: (raw.headers ?? []).map(convertHeader),
    queryParameters: (raw.query_parameters ?? []).map(convertQuery),
  };
}

function convertPath(raw: RawMatch): RouteMatch["path"] {
  if (raw.prefix !== undefined) return { kind: "prefix", value: raw.prefix };
  if (raw.path !== undefined) return { kind: "path", value: raw.path };
  if (raw.connect_matcher) return { kind: "connect", value: "" };
  if (raw.path_separated_prefix !== undefined)
    return { kind: "separated prefix", value: raw.path_separated_prefix };
  return { kind: "regex", value: raw.safe_regex?.regex ?? "" };
}

const OLD_FORMS = {
  exact: "exact_match",
  prefix: "prefix_match",
  suffix: "suffix_match",
  contains: "contains_match",
} as const;

export function convertHeader(raw: NonNullable<RawMatch["headers"]>[number]): HeaderMatcherConfig {
  const base: HeaderMatcherConfig = {
    name: raw.name.toLowerCase(),
    kind: "present",
    value: "",
    present: raw.present_match ?? true,
    range: { start: raw.range_match?.start ?? 0, end: raw.range_match?.end ?? 0 },
    ignoreCase: false,
    invert: raw.invert_match ?? false,
    treatMissingAsEmpty: raw.treat_missing_header_as_empty ?? false,
  };
  if (raw.string_match) return { ...base, ...stringForm(raw.string_match) };
  if (raw.range_match) return { ...base, kind: "range" };
  if (raw.safe_regex_match) return { ...base, kind: "regex", value: raw.safe_regex_match.regex };
  for (const [kind, field] of Object.entries(OLD_FORMS) as [
    keyof typeof OLD_FORMS,
    (typeof OLD_FORMS)[keyof typeof OLD_FORMS],
  ][]) {
    const value = raw[field];
    if (value !== undefined) return { ...base, kind, value };
  }
  return base;
}

function convertQuery(raw: NonNullable<RawMatch["query_parameters"]>[number]): QueryMatcherConfig {
  const base: QueryMatcherConfig = {
    name: raw.name,
    kind: "present",
    value: "",
    ignoreCase: false,
    present: raw.present_match ?? true,
  };
  return raw.string_match ? { ...base, ...stringForm(raw.string_match) } : base;
}

const REDIRECT_CODES = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const;

function convertAction(raw: RawRoute, retry: RawHost["retry_policy"]): RouteAction {
  if (raw.direct_response) {
    const { status, body } = raw.direct_response;
    const bytes = body?.inline_bytes;
    return {
      kind: "directResponse",
      bodyFormat: bodyFormat(raw.direct_response.body_format),
      status,
      body: bytes === undefined ? Buffer.from(body?.inline_string ?? "") : Buffer.from(bytes, "base64"),
    };
  }
  if (raw.redirect) {
    const r = raw.redirect;
    return {
      kind: "redirect",
      schemeRedirect: r.scheme_redirect,
      httpsRedirect: r.https_redirect ?? false,
      hostRedirect: r.host_redirect,
      portRedirect: r.port_redirect,
      pathRedirect: r.path_redirect,
      prefixRewrite: r.prefix_rewrite,
      regexRewrite: regexRewrite(r.regex_rewrite),
      code: REDIRECT_CODES[r.response_code ?? "MOVED_PERMANENTLY"],
      stripQuery: r.strip_query ?? false,
    };
  }
  const route = raw.route!;
  return {
    kind: "cluster",
    choice: convertChoice(route),
    notFoundStatus: NOT_FOUND_CODES[route.cluster_not_found_response_code ?? "SERVICE_UNAVAILABLE"],
    timeoutMs: wholeMs(route.timeout) ?? DEFAULT_TIMEOUT_MS,
    timeouts: convertRouteTimeouts(route),
    cors: route.cors && convertCors(route.cors),
    prefixRewrite: route.prefix_rewrite || undefined,
    regexRewrite: regexRewrite(route.regex_rewrite),
    hostRewrite: convertHostRewrite(route),
    appendForwardedHost: route.append_x_forwarded_host ?? false,
    match: hostMatch(route.metadata_match),
    hashPolicies: (route.hash_policy ?? []).flatMap(convertHash),
    retry: convertRetry(route.retry_policy ?? retry, convertHeader),
    mirrors: (route.request_mirror_policies ?? []).map((policy) => ({
      cluster: policy.cluster,
      fraction: convertFraction(policy.runtime_fraction),
      keepHost: policy.disable_shadow_host_suffix_append ?? false,
    })),
    upgrades: convertRouteUpgrades(route.upgrade_configs),
  };
}

const NOT_FOUND_CODES = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 } as const;

type RawAction = NonNullable<RawRoute["route"]>;

function convertChoice(raw: RawAction): ClusterChoice {
  if (raw.cluster !== undefined) return { kind: "one", cluster: raw.cluster };
  if (raw.cluster_header !== undefined) return { kind: "header", name: raw.cluster_header.toLowerCase() };
  return {
    kind: "weighted",
    clusters: raw.weighted_clusters!.clusters.map((each) => ({
      cluster: each.name,
      weight: each.weight,
      hostRewriteLiteral: each.host_rewrite_literal || undefined,
      filterConfigs: convertFilterConfigs(each.typed_per_filter_config),
      match: hostMatch(each.metadata_match),
      requestHeaders: mutation(each.request_headers_to_add, each.request_headers_to_remove),
      responseHeaders: mutation(each.response_headers_to_add, each.response_headers_to_remove),
    })),
  };
}

/** The part that chooses hosts. */
function hostMatch(raw: RawAction["metadata_match"]): Record<string, unknown> | undefined {
  return raw?.filter_metadata?.["envoy.lb"];
}

function convertHash(raw: NonNullable<RawAction["hash_policy"]>[number]): HashPolicy[] {
  const terminal = raw.terminal ?? false;
  const { header, cookie, query_parameter: query, connection_properties: connection } = raw;
  if (header) return [{ by: "header", name: header.header_name.toLowerCase(), terminal }];
  if (query) return [{ by: "query", name: query.name, terminal }];
  if (connection) return connection.source_ip ? [{ by: "source ip", terminal }] : [];
  const { name, ttl, path = "" } = cookie!;
  // Whole seconds, as Envoy counts them.
  const ttlSeconds = ttl === undefined ? undefined : Math.floor(durationMs(ttl) / 1000);
  return [{ by: "cookie", name, ttlSeconds, path, terminal }];
}

function regexRewrite(raw: RawAction["regex_rewrite"]): RegexRewrite | undefined {
  return raw && { pattern: raw.pattern.regex, substitution: raw.substitution ?? "" };
}

function convertHostRewrite(raw: RawAction): HostRewrite | undefined {
  if (raw.host_rewrite_literal) return { kind: "literal", value: raw.host_rewrite_literal };
  if (raw.host_rewrite_header !== undefined)
    return { kind: "header", name: raw.host_rewrite_header.toLowerCase() };
  if (raw.auto_host_rewrite) return { kind: "auto" };
  const rewrite = regexRewrite(raw.host_rewrite_path_regex);
  return rewrite && { kind: "path", rewrite };
}
