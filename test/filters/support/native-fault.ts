import type { Json } from "../../support/bootstrap";

/** Istio's StringMatch; `{}` is presence. */
export type StringMatchSpec = { exact?: string; prefix?: string; regex?: string };

export interface MatchSpec {
  uri?: StringMatchSpec;
  ignoreUriCase?: boolean;
  method?: StringMatchSpec;
  authority?: StringMatchSpec;
  scheme?: StringMatchSpec;
  headers?: Record<string, StringMatchSpec>;
  withoutHeaders?: Record<string, StringMatchSpec>;
  queryParams?: Record<string, StringMatchSpec>;
}

export interface FaultSpec {
  delay?: { percentage?: { value: number }; fixedDelay: string };
  abort?: { percentage?: { value: number }; httpStatus?: number; grpcStatus?: string };
  /** What Istio's does not have. */
  responseRateLimit?: { percentage?: { value: number }; limitKbps: number };
  truncate?: { percentage?: { value: number }; afterBytes?: number; reset?: boolean };
}

/** An entry of a VirtualService's `http` list as far as the fault filter reads it. */
export interface HttpEntry {
  match?: MatchSpec[];
  fault?: FaultSpec;
}

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const GRPC: Record<string, number> = { OK: 0, NOT_FOUND: 5, UNAVAILABLE: 14, UNAUTHENTICATED: 16 };

/** Envoy's own fault filter with fields of HTTPFault; routes may have their own. */
export function nativeFaultFilter(config: Json = {}): Json {
  return { name: "envoy.filters.http.fault", typed_config: { "@type": TYPE, ...config } };
}

/** The same; what it does stands on the routes. */
export const FAULT_FILTER: Json = nativeFaultFilter();

/** Routes to `cluster` as Istio's control plane writes them: one for each match block, the first that matches wins; `more` goes into each fault. */
export function faultRoutes(entries: readonly HttpEntry[], cluster: string, more: Json = {}): Json[] {
  const routes = entries.flatMap(({ match, fault }) =>
    (match ?? [{}]).map((block) => ({
      match: routeMatch(block),
      route: { cluster },
      ...(fault && {
        typed_per_filter_config: { "envoy.filters.http.fault": { ...nativeFault(fault), ...more } },
      }),
    })),
  );
  return [...routes, { match: { prefix: "/" }, route: { cluster } }];
}

function nativeFault({ delay, abort, responseRateLimit: limit }: FaultSpec): Json {
  return {
    "@type": TYPE,
    ...(delay && { delay: { percentage: chance(delay.percentage), fixed_delay: delay.fixedDelay } }),
    ...(limit && {
      response_rate_limit: {
        percentage: chance(limit.percentage),
        fixed_limit: { limit_kbps: limit.limitKbps },
      },
    }),
    ...(abort && {
      abort: {
        percentage: chance(abort.percentage),
        ...(abort.httpStatus ? { http_status: abort.httpStatus } : { grpc_status: GRPC[abort.grpcStatus!] }),
      },
    }),
  };
}

function chance(percentage: { value: number } | undefined): Json {
  return { numerator: Math.trunc((percentage?.value ?? 0) * 10_000), denominator: "MILLION" };
}

function routeMatch(match: MatchSpec): Json {
  const headers = [
    ...named(match.headers).map(([name, value]) => header(name, value)),
    ...named(match.withoutHeaders).map(([name, value]) => ({
      ...header(name, value),
      invert_match: true,
      ...(!isPresence(value) && { treat_missing_header_as_empty: true }),
    })),
  ];
  for (const key of ["method", "authority", "scheme"] as const) {
    const value = match[key];
    if (value) headers.push(header(`:${key}`, value));
  }
  return {
    ...path(match.uri),
    case_sensitive: !match.ignoreUriCase,
    headers,
    query_parameters: Object.entries(match.queryParams ?? {}).map(([name, value]) => ({
      name,
      ...(isPresence(value) ? { present_match: true } : { string_match: stringMatch(value) }),
    })),
  };
}

/** Istio reads these four from fields of their own. */
function named(headers: Record<string, StringMatchSpec> = {}): [string, StringMatchSpec][] {
  return Object.entries(headers).filter(([name]) => !["uri", "scheme", "method", "authority"].includes(name));
}

function path(uri: StringMatchSpec | undefined): Json {
  if (uri?.exact !== undefined) return { path: uri.exact };
  if (uri?.prefix !== undefined) return { prefix: uri.prefix };
  if (uri?.regex !== undefined && uri.regex !== "*") return { safe_regex: { regex: uri.regex } };
  return { prefix: "/" };
}

function isPresence(value: StringMatchSpec): boolean {
  return Object.keys(value).length === 0 || value.regex === "*";
}

function header(name: string, value: StringMatchSpec): Json {
  return { name, ...(isPresence(value) ? { present_match: true } : { string_match: stringMatch(value) }) };
}

function stringMatch(value: StringMatchSpec): Json {
  return value.regex === undefined ? { ...value } : { safe_regex: { regex: value.regex } };
}
