import type * as z from "zod";
import type {
  HeaderMatcherConfig,
  HeaderMutation,
  QueryMatcherConfig,
  RouteAction,
  RouteConfig,
  RouteMatch,
  VirtualHostConfig,
} from "../model";
import type { RawRouteConfig } from "../schema/bootstrap";
import type { headersToAdd } from "../schema/header-mutations";
import { durationMs } from "../schema/scalars";
import { stringForm } from "./strings";

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
      // Envoy formats these values: %% is a percent sign.
      value: (header.value ?? "").replaceAll("%%", "%"),
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
    routes: (raw.routes ?? []).map(convertRoute),
    requestHeaders: mutation(raw.request_headers_to_add, raw.request_headers_to_remove),
    responseHeaders: mutation(raw.response_headers_to_add, raw.response_headers_to_remove),
  };
}

function convertRoute(raw: RawRoute): RouteConfig {
  return {
    name: raw.name ?? "",
    metadata: raw.metadata?.filter_metadata,
    match: convertMatch(raw.match),
    action: convertAction(raw),
    requestHeaders: mutation(raw.request_headers_to_add, raw.request_headers_to_remove),
    responseHeaders: mutation(raw.response_headers_to_add, raw.response_headers_to_remove),
  };
}

function convertMatch(raw: RawMatch): RouteMatch {
  return {
    path:
      raw.prefix !== undefined
        ? { kind: "prefix", value: raw.prefix }
        : raw.path !== undefined
          ? { kind: "path", value: raw.path }
          : { kind: "regex", value: raw.safe_regex?.regex ?? "" },
    caseSensitive: raw.case_sensitive ?? true,
    headers: (raw.headers ?? []).map(convertHeader),
    queryParameters: (raw.query_parameters ?? []).map(convertQuery),
  };
}

const OLD_FORMS = {
  exact: "exact_match",
  prefix: "prefix_match",
  suffix: "suffix_match",
  contains: "contains_match",
} as const;

function convertHeader(raw: NonNullable<RawMatch["headers"]>[number]): HeaderMatcherConfig {
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

function convertAction(raw: RawRoute): RouteAction {
  if (raw.direct_response) {
    const { status, body } = raw.direct_response;
    const bytes = body?.inline_bytes;
    return {
      kind: "directResponse",
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
      code: REDIRECT_CODES[r.response_code ?? "MOVED_PERMANENTLY"],
      stripQuery: r.strip_query ?? false,
    };
  }
  const route = raw.route!;
  return {
    kind: "cluster",
    cluster: route.cluster,
    timeoutMs: route.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationMs(route.timeout),
    prefixRewrite: route.prefix_rewrite,
    hostRewriteLiteral: route.host_rewrite_literal,
  };
}
