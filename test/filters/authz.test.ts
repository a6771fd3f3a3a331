import { describe, expect, test } from "vitest";
import { refusals, withFilter } from "./support/filter";

const metadata = { name: "p", namespace: "ns" };

function policies(...rules: unknown[]) {
  return { policies: [{ metadata, spec: { action: "DENY", rules } }] };
}

describe("authz: what a configuration refuses", () => {
  const spec = (more: unknown) => ({ policies: [{ metadata, spec: more }] });
  const source = (more: unknown) => policies({ from: [{ source: more }] });
  const operation = (more: unknown) => policies({ to: [{ operation: more }] });
  const when = (more: unknown) => policies({ when: [more] });
  const them = { name: "them", envoyExtAuthzHttp: { service: "a", port: 80 } };
  const provider = (more: object) => ({
    policies: [],
    extensionProviders: [{ ...them, envoyExtAuthzHttp: { ...them.envoyExtAuthzHttp, ...more } }],
  });
  test.each<[unknown, string]>([
    ["", "the configuration is empty"],
    [{}, "policies: missing"],
    [{ policies: [], polices: {} }, "polices: unknown or unsupported field"],
    [{ policies: [{}] }, "policies[0].metadata: needs name and namespace"],
    [{ policies: [{ metadata: { name: "p" } }] }, "policies[0].metadata.namespace: expected a string"],
    [
      { policies: [{ metadata: { name: "", namespace: "n" } }] },
      "policies[0].metadata.name: must not be empty",
    ],
    [
      { policies: [{ metadata, kind: "PeerAuthentication" }] },
      "policies[0].kind: expected AuthorizationPolicy",
    ],
    [
      { policies: [{ metadata, apiVersion: "v1" }] },
      "policies[0].apiVersion: expected security.istio.io/...",
    ],
    [
      { policies: [{ metadata }, { metadata }] },
      "policies[1].metadata: a second policy of this name: ns[ns]-policy[p]",
    ],
    [
      { policies: [{ metadata: { ...metadata, annotations: { "istio.io/dry-run": "yes" } } }] },
      "policies[0].metadata.annotations.istio.io/dry-run: expected true or false",
    ],
    [spec({ selector: { labels: {} } }), "policies[0].spec.selector.labels: unknown or unsupported field"],
    [spec({ selector: { matchLabels: { a: 1 } } }), "selector.matchLabels.a: expected a string"],
    [
      spec({ selector: { matchLabels: { app: "a" } } }),
      "policies[0].spec.selector: the proxy's node.metadata.LABELS are not set",
    ],
    [spec({ targetRefs: [] }), "policies[0].spec.targetRefs: unknown or unsupported field"],
    [spec({ action: "CUSTOM" }), "spec.rules: a CUSTOM policy without rules would do nothing"],
    [spec({ action: "CUSTOM", rules: [{}] }), "spec.provider: expected an object"],
    [spec({ action: "CUSTOM", rules: [{}], provider: {} }), "spec.provider.name: expected a string"],
    [spec({ provider: { name: "a" } }), "spec.provider: is for CUSTOM only"],
    [
      spec({
        action: "CUSTOM",
        rules: [{ from: [{ source: { principals: ["*"] } }] }],
        provider: { name: "a" },
      }),
      "source.principals: a CUSTOM rule cannot ask who somebody is",
    ],
    [provider({ url: "x" }), "envoyExtAuthzHttp.url: unknown or unsupported field"],
    [provider({ includeRequestBodyInCheck: {} }), "includeRequestBodyInCheck: unknown or unsupported field"],
    [provider({ service: "" }), "envoyExtAuthzHttp.service: must not be empty"],
    [provider({ port: 0 }), "envoyExtAuthzHttp.port: expected a whole number from 1 to 65535"],
    [provider({ timeout: "0" }), "envoyExtAuthzHttp.timeout: expected a duration from 1ms to 600s"],
    [provider({ pathPrefix: "x" }), "envoyExtAuthzHttp.pathPrefix: expected a path"],
    [provider({ statusOnError: "600" }), "statusOnError: expected a status such as 403"],
    [provider({ statusOnError: " 403" }), "statusOnError: expected a status such as 403"],
    [provider({ headersToUpstreamOnAllow: ["*"] }), "headersToUpstreamOnAllow[0]: expected a name, p* or *s"],
    [provider({ includeAdditionalHeadersInCheck: { ":path": "x" } }), "expected a header's name"],
    [provider({ includeAdditionalHeadersInCheck: { a: "b\r\nc: d" } }), "must not have line breaks"],
    [
      { policies: [], extensionProviders: [them, them] },
      "extensionProviders[1].name: a second provider of this name",
    ],
    [spec({ action: "deny" }), 'policies[0].spec.action: "deny" is not supported (known: '],
    [spec({ action: "DENY" }), "policies[0].spec.rules: a DENY policy without rules would do nothing"],
    [spec({ rules: {} }), "policies[0].spec.rules: expected a list"],
    [policies(null), "policies[0].spec.rules[0]: expected an object"],
    [policies({ froms: [] }), "policies[0].spec.rules[0].froms: unknown or unsupported field"],
    [policies({ from: [] }), "policies[0].spec.rules[0].from: must not be empty"],
    [policies({ from: [{}] }), "policies[0].spec.rules[0].from[0].source: missing"],
    [source({}), "policies[0].spec.rules[0].from[0].source: must not be empty"],
    [
      source({ principal: ["a"] }),
      "from[0].source.principal: unknown or unsupported field (known: principals",
    ],
    [source({ principals: [""] }), "from[0].source.principals[0]: must not be empty"],
    [source({ namespaces: ["a("] }), "from[0].source.namespaces[0]: missing )"],
    [source({ serviceAccounts: ["a/b/c"] }), "serviceAccounts[0]: expected NAMESPACE/NAME or NAME"],
    [source({ serviceAccounts: ["a/"] }), "serviceAccounts[0]: expected NAMESPACE/NAME or NAME"],
    [source({ notServiceAccounts: ["a/b*"] }), "notServiceAccounts[0]: a service account has no wildcard"],
    [
      source({ serviceAccounts: Array.from({ length: 17 }, (_, i) => `a${i}`) }),
      "from[0].source.serviceAccounts: at most 16",
    ],
    [source({ serviceAccounts: ["a"], notPrincipals: ["b"] }), "serviceAccounts: not beside principals or"],
    [source({ namespaces: ["b"], serviceAccounts: ["a"] }), "serviceAccounts: not beside principals or"],
    [source({ remoteIpBlocks: ["x"] }), "from[0].source.remoteIpBlocks[0]: expected an IP address"],
    [source({ ipBlocks: [] }), "from[0].source.ipBlocks: must not be empty"],
    [source({ ipBlocks: ["10.0.0.0/33"] }), "from[0].source.ipBlocks[0]: expected an IP address or a block"],
    [
      source({ notIpBlocks: ["::1", "x"] }),
      "from[0].source.notIpBlocks[1]: expected an IP address or a block",
    ],
    [operation({ ports: [80] }), "to[0].operation.ports[0]: expected a string"],
    [operation({ ports: ["65536"] }), "to[0].operation.ports[0]: expected a port from 0 to 65535"],
    [operation({ ports: ["http"] }), "to[0].operation.ports[0]: expected a port"],
    [operation({ methods: [""] }), "to[0].operation.methods[0]: must not be empty"],
    [operation({ methods: "GET" }), "to[0].operation.methods: expected a list"],
    [
      operation({ paths: ["/{*}.html"] }),
      "paths[0]: a path template knows {*} and {**} only, each as a whole segment",
    ],
    [operation({ paths: ["/{**}/{*}"] }), "paths[0]: {**} must be the last operator of a path template"],
    [operation({ paths: ["/{name}"] }), "paths[0]: a path template knows {*} and {**} only"],
    [operation({ paths: ["/a*/{*}"] }), 'paths[0]: "a*" cannot be a segment of a path template'],
    [operation({ paths: ["/a//{*}"] }), 'paths[0]: "" cannot be a segment of a path template'],
    [operation({ paths: ["{*}"] }), "paths[0]: a path template starts with /"],
    ...["destination.labels[a]", "source.user", "request.auth.claims", "request.auth.claims[a]b"].map(
      (key): [unknown, string] => [
        when({ key, values: ["b"] }),
        `when[0].key: "${key}" is unknown or not supported`,
      ],
    ),
    ...["request.auth.claims[a[b]", "request.headers[a[b]]", "experimental.envoy.filters.[a]"].map(
      (key): [unknown, string] => [when({ key, values: ["b"] }), `when[0].key: "${key}" is unknown`],
    ),
    [{ policies: [], trustDomain: "" }, "trustDomain: must not be empty"],
    [{ policies: [], trustDomainAliases: ["a", ""] }, "trustDomainAliases[1]: must not be empty"],
    [when({ key: "request.headers[]", values: ["b"] }), 'when[0].key: "request.headers[]" is unknown'],
    [when({ key: "source.ip" }), "when[0]: needs values or notValues"],
    [when({ key: "source.ip", values: ["x"] }), "when[0].values[0]: expected an IP address"],
    [when({ values: ["x"] }), "when[0].key: expected a string"],
  ])("%j", async (config, why) => {
    const refusal = await refusals("authz");
    expect(await refusal(config)).toContain(why);
  });

  test("a policy as kubectl prints it is read as it stands", async () => {
    await withFilter("authz", {
      policies: [
        {
          apiVersion: "security.istio.io/v1",
          kind: "AuthorizationPolicy",
          metadata: {
            ...metadata,
            annotations: {
              "kubectl.kubernetes.io/last-applied-configuration": "{}",
              "istio.io/dry-run": "false",
            },
            labels: { a: "b" },
            uid: "1",
            resourceVersion: "2",
            generation: 1,
            creationTimestamp: "2026-01-01T00:00:00Z",
          },
          spec: { rules: [{ to: [{ operation: { methods: ["GET"] } }] }] },
          status: {},
        },
      ],
    });
  });
});

describe("authz: what is refused of Envoy's RBAC", () => {
  const rules = (permission: unknown, principal: unknown = { any: true }) => ({
    rbac: { rules: { policies: { p: { permissions: [permission], principals: [principal] } } } },
  });
  const at = "rbac.rules.policies.p";
  const any = [{ any: true }];
  const A = { ident_expr: { name: "a" } };
  const cel = (condition: unknown) => ({
    rbac: { rules: { policies: { p: { permissions: any, principals: any, condition } } } },
  });
  test.each<[unknown, string]>([
    [{ rbac: 5 }, "rbac: expected an object"],
    [{ rbac: [{}, { rule: {} }] }, "rbac[1].rule: unknown or unsupported field (known: @type, rules"],
    [{ rbac: { matcher: {} } }, "rbac.matcher: unknown or unsupported field"],
    [{ rbac: { shadowMatcher: {} } }, "rbac.shadow_matcher: unknown or unsupported field"],
    [{ rbac: { rules: { action: "AUDIT" } } }, "rbac.rules.action: expected ALLOW, DENY or LOG"],
    [
      { rbac: { rules: { audit_logging_options: {} } } },
      "rbac.rules.audit_logging_options: unknown or unsupported field",
    ],
    [{ rbac: { rules: { policies: { p: {} } } } }, `${at}.permissions: must not be empty`],
    [
      { rbac: { rules: { policies: { p: { permissions: [{ any: true }] } } } } },
      `${at}.principals: must not be empty`,
    ],
    [cel({}), `${at}.condition: needs an expression`],
    [cel({ struct_expr: {} }), `${at}.condition.struct_expr: unknown or unsupported field`],
    [cel({ ident_expr: { name: "a) || (true" } }), `${at}.condition.ident_expr.name: expected a name`],
    [cel({ const_expr: { int64_value: "1) || (1" } }), `${at}.condition.const_expr: expected a text`],
    [cel({ call_expr: { function: "_&&_", args: [] } }), "call_expr.function: no operator _&&_"],
    [cel({ call_expr: { function: "_#_", args: [A, A] } }), "call_expr.function: no operator _#_"],
    [cel({ call_expr: { function: "f(x)", args: [] } }), "call_expr.function: expected a name"],
    [rules({}), `${at}.permissions[0]: needs a condition`],
    [rules({ any: false }), `${at}.permissions[0].any: expected true`],
    [rules({ any: true, header: { name: "a" } }), `${at}.permissions[0].header: not beside any`],
    [rules({ matcher: {} }), `${at}.permissions[0].matcher: unknown or unsupported field`],
    [rules({ authenticated: {} }), `${at}.permissions[0].authenticated: unknown or unsupported field`],
    [rules({ any: true }, { custom: {} }), `${at}.principals[0].custom: unknown or unsupported field`],
    [rules({ and_rules: { rules: [] } }), `${at}.permissions[0].and_rules.rules: must not be empty`],
    [rules({ and_rules: { ids: [] } }), `${at}.permissions[0].and_rules.ids: unknown`],
    [rules({ header: {} }), `${at}.permissions[0].header.name: expected a string`],
    [
      rules({ header: { name: "a", exact_match: "b", prefix_match: "c" } }),
      "header.prefix_match: not beside exact_match",
    ],
    [rules({ header: { name: "a", prefix_match: "" } }), "header.prefix_match: must not be empty"],
    [
      rules({ header: { name: "a", range_match: { start: 0.5 } } }),
      "range_match.start: expected a whole number",
    ],
    [rules({ url_path: { path: {} } }), "url_path.path: needs a way to match"],
    [rules({ url_path: { path: { custom: {} } } }), "url_path.path.custom: unknown or unsupported field"],
    [rules({ url_path: { path: { safe_regex: { regex: "(" } } } }), "missing )"],
    [rules({ destination_ip: { address_prefix: "10.0.0.0/8" } }), "address_prefix: expected an IP address"],
    [
      rules({ destination_ip: { address_prefix: "10.0.0.0", prefix_len: 33 } }),
      "expected an IP address or a block",
    ],
    [rules({ destination_port: 65536 }), "destination_port: expected a whole number from 0 to 65535"],
    [rules({ destination_port_range: { start: 5, end: 5 } }), "start must be less than end"],
    [
      rules({ metadata: { filter: "a", path: [{ key: "b" }], value: { double_match: { exact: 1 } } } }),
      "metadata.value.double_match: unknown or unsupported field",
    ],
    [
      rules({ metadata: { filter: "a", path: [], value: { bool_match: true } } }),
      "metadata.path: must not be empty",
    ],
    [
      rules({ any: true }, { filter_state: { key: "k", address_match: {} } }),
      "filter_state.address_match: unknown or unsupported field",
    ],
    [
      rules({ uri_template: { name: "x", typed_config: { "@type": "x", path_template: "/" } } }),
      "typed_config.@type: expected ...UriTemplateMatchConfig",
    ],
  ])("%j", async (config, why) => {
    const refusal = await refusals("authz");
    expect(await refusal(config)).toContain(why);
  });
});
