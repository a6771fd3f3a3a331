import type { Json } from "../../support/bootstrap";

/** One of a RequestAuthentication's `jwtRules`. */
export interface JwtRule {
  issuer: string;
  audiences?: string[];
  jwks?: string;
  jwksUri?: string;
  /** Ours: which cluster has the issuer's host, and how long keys are good. */
  jwksCluster?: string;
  jwksCacheDuration?: string;
  fromHeaders?: { name: string; prefix?: string }[];
  fromParams?: string[];
  fromCookies?: string[];
  forwardOriginalToken?: boolean;
  outputPayloadToHeader?: string;
  outputClaimToHeaders?: { header: string; claim: string }[];
  spaceDelimitedClaims?: string[];
  timeout?: string;
}

/** Envoy's own JWT filter for these rules, as Istio's control plane writes it. */
export function jwtFilter(rules: readonly JwtRule[]): Json {
  const sorted = rules.toSorted((a, b) => (a.issuer < b.issuer ? -1 : a.issuer > b.issuer ? 1 : 0));
  const names = sorted.map((_, i) => `origins-${i}`);
  const optional = names.map((provider_name) => any([{ provider_name }, { allow_missing: {} }]));
  const requires =
    optional.length === 1
      ? optional[0]
      : any([
          ...names.map((provider_name) => ({ provider_name })),
          { requires_all: { requirements: optional } },
        ]);
  return {
    name: "envoy.filters.http.jwt_authn",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
      providers: Object.fromEntries(sorted.map((rule, i) => [names[i], provider(rule)])),
      rules: [{ match: { prefix: "/" }, requires }],
      bypass_cors_preflight: true,
    },
  };
}

function any(requirements: Json[]): Json {
  return { requires_any: { requirements } };
}

function provider(rule: JwtRule): Json {
  return {
    issuer: rule.issuer,
    audiences: rule.audiences ?? [],
    forward: rule.forwardOriginalToken ?? false,
    ...(rule.outputPayloadToHeader && { forward_payload_header: rule.outputPayloadToHeader }),
    claim_to_headers: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({
      header_name: header,
      claim_name: claim,
    })),
    from_headers: (rule.fromHeaders ?? []).map(({ name, prefix = "" }) => ({ name, value_prefix: prefix })),
    from_params: rule.fromParams ?? [],
    from_cookies: rule.fromCookies ?? [],
    payload_in_metadata: "payload",
    normalize_payload_in_metadata: {
      space_delimited_claims: [
        ...new Set([...(rule.spaceDelimitedClaims ?? []), "permission", "scope"]),
      ].sort(),
    },
    ...(rule.jwks === undefined
      ? { remote_jwks: remote(rule) }
      : { local_jwks: { inline_string: rule.jwks } }),
  };
}

function remote({ jwksUri, jwksCluster, jwksCacheDuration = "300s", timeout = "5s" }: JwtRule): Json {
  return {
    http_uri: { uri: jwksUri, cluster: jwksCluster, timeout },
    cache_duration: jwksCacheDuration,
  };
}
