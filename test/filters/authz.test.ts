import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startHost } from "../../host/testing/vitest";
import { anyProbe, anySpec } from "./support/any-policy";
import { anyConfig, anyRequest } from "./support/anything";
import { rawHeaders, refusals, withFilter } from "./support/filter";

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

describe("authz: which rule is named", () => {
  const deny = (name: string, ...rules: unknown[]) => ({
    metadata: { name, namespace: "ns" },
    spec: { action: "DENY", rules },
  });
  async function denial(...list: unknown[]): Promise<string | undefined> {
    const host = await withFilter("authz", { policies: list });
    const exchange = host.request();
    if (!exchange.over) exchange.respond();
    return exchange.details;
  }
  const never = { to: [{ operation: { methods: ["NONE"] } }] };

  test("DENY comes first, then ALLOW; the order is that of the ids", async () => {
    const allow = { metadata: { name: "a", namespace: "ns" }, spec: { rules: [{}] } };
    expect(await denial()).toBeUndefined();
    expect(await denial(allow)).toBeUndefined();
    expect(await denial(allow, deny("d", never))).toBeUndefined();
    expect(await denial(allow, deny("d", {}))).toBe(
      "rbac_access_denied_matched_policy[ns[ns]-policy[d]-rule[0]]",
    );
    expect(await denial(deny("z", {}), deny("d", never, {}))).toBe(
      "rbac_access_denied_matched_policy[ns[ns]-policy[d]-rule[1]]",
    );
    expect(
      await denial(deny("d", ...Array.from({ length: 11 }, (_, i) => (i === 2 || i === 10 ? {} : never)))),
    ).toBe("rbac_access_denied_matched_policy[ns[ns]-policy[d]-rule[10]]");
    expect(await denial({ metadata })).toBe("rbac_access_denied_matched_policy[none]");
    expect(await denial({ metadata, spec: {} })).toBe("rbac_access_denied_matched_policy[none]");
    expect(await denial({ metadata, spec: { rules: [never] } })).toBe(
      "rbac_access_denied_matched_policy[none]",
    );
  });
});

/** Who may ask: identities of the mesh, of others, and none. */
const PEERS: (string | undefined)[] = [
  undefined,
  "spiffe://cluster.local/ns/shop/sa/cart",
  "spiffe://old.example/ns/shop/sa/cart",
  "spiffe://other.example/ns/default/sa/cart/x",
  "spiffe://cluster.local/ns/shopping/x/sa/pay",
  "https://a.example/ns/shop/",
];

describe("authz: selectors", () => {
  const node = { metadata: { LABELS: { app: "cart", "app.kubernetes.io/name": "shop" } } };
  const answer = async (matchLabels: Record<string, string> | undefined) => {
    const spec = { ...(matchLabels && { selector: { matchLabels } }), rules: [] };
    const host = await withFilter("authz", { policies: [{ metadata, spec }] }, { node });
    const exchange = host.request();
    if (!exchange.over) exchange.respond();
    return exchange.details;
  };

  test("a policy is for the proxies its labels choose", async () => {
    const denied = "rbac_access_denied_matched_policy[none]";
    expect(await answer(undefined)).toBe(denied);
    expect(await answer({})).toBe(denied);
    expect(await answer({ app: "cart" })).toBe(denied);
    expect(await answer({ app: "cart", "app.kubernetes.io/name": "shop" })).toBe(denied);
    expect(await answer({ app: "cart", "app.kubernetes.io/name": "other" })).toBeUndefined();
    expect(await answer({ tier: "cart" })).toBeUndefined();
  });
});

describe("authz: CUSTOM", () => {
  const rule = { to: [{ operation: { paths: ["/ask"] } }] };
  const policy = (name: string) => ({
    metadata,
    spec: { action: "CUSTOM", provider: { name }, rules: [rule] },
  });
  const them = { name: "them", envoyExtAuthzHttp: { service: "authz", port: 8000 } };

  test("rules of a provider nobody knows deny", async () => {
    const host = await withFilter("authz", { policies: [policy("nobody")], extensionProviders: [them] });
    expect(host.request({ path: "/ask" }).details).toBe(
      "rbac_access_denied_matched_policy[ns[ns]-policy[p]-rule[0]-deny-due-to-bad-CUSTOM-action]",
    );
    const free = host.request({ path: "/free" });
    expect(free.state).toBe("forwarded");
    free.respond();
    expect(host.logs("no provider nobody")).not.toHaveLength(0);
  });

  test("a provider is asked at its service's cluster; a client that leaves meanwhile is forgotten", async () => {
    const host = await withFilter("authz", { policies: [policy("them")], extensionProviders: [them] });
    host.mockCluster("outbound|8000||authz", { status: 200, afterMs: 50 });
    host.request({ path: "/ask" }).disconnect();
    const waiting = host.request({ path: "/ask" });
    expect(waiting.state).toBe("held");
    host.advance(100);
    expect(waiting.state).toBe("forwarded");
    waiting.respond();
  });
});

describe("authz: explain", () => {
  const rules = [
    {
      from: [{ source: { ipBlocks: ["10.0.0.0/8"], principals: ["*"] } }],
      to: [{ operation: { methods: ["GET"], paths: ["/a"] } }],
    },
    {
      to: [{ operation: { methods: ["GET", "PUT"] } }, { operation: { paths: ["/b"], methods: ["TRACE"] } }],
    },
    { when: [{ key: "request.headers[authorization]", values: ["Basic secret"] }] },
  ];
  const deny = {
    metadata: { name: "d", namespace: "ns" },
    spec: { action: "DENY", rules: [{ to: [{ operation: { paths: ["/secret*"] } }] }] },
  };
  const config = { policies: [{ metadata, spec: { rules } }, deny], explain: { header: "x-why" } };
  const why = async (configuration: object, path: string, headers: Record<string, string> = {}) => {
    const host = await withFilter("authz", configuration);
    const exchange = host.request({ method: "DELETE", path, headers, authority: "a\u00e9" });
    if (!exchange.over) exchange.respond();
    return { host, header: exchange.response.headers?.get("x-why") };
  };

  test("who decided, and what the nearest others would have needed", async () => {
    expect((await why(config, "/secret/x")).header).toBe(
      "ns[ns]-policy[d]-rule[0] matches, to deny. Seen: source.ip 127.0.0.1:50000, source.principal (none), " +
        ":method DELETE, path /secret/x, authorization (none)",
    );
    expect((await why(config, "/a", { authorization: "Basic other" })).header).toBe(
      "no rule to deny matches; ns[ns]-policy[d]-rule[0] would need operation.paths [/secret*]. " +
        "no rule to allow matches; ns[ns]-policy[p]-rule[1] would need operation.methods [GET, PUT]; " +
        "ns[ns]-policy[p]-rule[2] would need request.headers[authorization] values [Basic secret]; " +
        "ns[ns]-policy[p]-rule[0] would need operation.methods [GET] and source.ipBlocks [10.0.0.0/8] and " +
        "source.principals [*]. Seen: source.ip 127.0.0.1:50000, source.principal (none), :method DELETE, path /a, " +
        "authorization ***",
    );
  });

  test("the log has it too, and alone when there is no header", async () => {
    const { host, header } = await why({ ...config, explain: true }, "/a");
    expect(header).toBeUndefined();
    expect(host.logs("would need operation.methods [GET, PUT]")).toHaveLength(1);
    const quiet = await why({ ...config, explain: false }, "/a");
    expect(quiet.host.logs("would need")).toHaveLength(0);
  });

  test("policies on trial, and Envoy's rules by their fields", async () => {
    const any = [{ any: true }];
    const header = { header: { name: "x-role", string_match: { exact: "admin" } } };
    const rbac = {
      shadow_rules: { action: "DENY", policies: { a: { permissions: any, principals: any } } },
      rules: { policies: { b: { permissions: any, principals: [{ not_id: header }, header] } } },
    };
    const { host } = await why({ rbac, explain: true }, "/a\u0007", { "x-role": "a\u00e9" });
    expect(host.logs("Seen")[0]!.message).toBe(
      "on trial: a matches, to deny. b matches, to allow. Seen: x-role a?",
    );
  });

  test.each<[unknown, string]>([
    [5, "explain: expected true or false"],
    [{}, "explain.header: expected a string"],
    [{ header: "a b" }, "explain.header: expected a header's name"],
    [{ header: "" }, "explain.header: must not be empty"],
    [{ headers: "x" }, "explain.headers: unknown or unsupported field"],
  ])("%j is refused", async (explain, refusal) => {
    expect(await (await refusals("authz"))({ policies: [], explain })).toContain(refusal);
  });
});

describe("authz: indexes", () => {
  test("find what asking rule by rule finds", async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    console.log(`authz: seed ${seed}`);
    const tables = fc.array(anySpec({ identities: true }), { minLength: 1, maxLength: 5 });
    const probes = fc.sample(fc.tuple(anyProbe, fc.constantFrom(...PEERS)), { seed, numRuns: 100 });
    let matched = 0;
    for (const specs of fc.sample(tables, { seed, numRuns: 40 })) {
      const configuration = {
        policies: specs.map((spec, i) => ({ metadata: { name: `p${i}`, namespace: "shop" }, spec })),
        trustDomainAliases: ["old.example"],
        explain: specs.length % 2 === 0,
      };
      const host = await startHost({
        plugins: { module: "test/filters/guests/authz-both.ts", rootId: "both", configuration },
        trace: false,
      });
      for (const [{ method = "GET", path = "/", host: authority = "", headers = [], from }, peer] of probes) {
        const exchange = host.request({
          rawHeaders: rawHeaders([
            // An answer to HEAD would have no body, one to gRPC has it in a header.
            [":method", method === "HEAD" ? "PATCH" : method],
            [":path", path],
            [":authority", authority],
            ...headers
              .filter(([name]) => name !== "content-type")
              .map(([name, value]): [string, string] => [name.toLowerCase(), value]),
          ]),
          connection: {
            remoteAddress: `${from}:1`,
            requestedServerName: authority,
            tls: peer
              ? {
                  version: "TLSv1.3",
                  mtls: true,
                  peerCertificateValid: true,
                  subjectPeer: "CN=a",
                  uriSanPeer: peer,
                }
              : undefined,
          },
        });
        const [indexed, naive] = exchange.response.text.split("\n");
        expect([specs, method, path, indexed]).toEqual([specs, method, path, naive]);
        if (/\d/.test(indexed!.replaceAll("-1", ""))) matched++;
      }
      host.close();
    }
    expect(matched).toBeGreaterThan(300);
  }, 60_000);
});

describe("authz: no trap", () => {
  const keys = [
    "policies",
    "metadata",
    "name",
    "namespace",
    "spec",
    "action",
    "rules",
    "from",
    "to",
    "when",
    "source",
    "operation",
    "ipBlocks",
    "notIpBlocks",
    "principals",
    "notNamespaces",
    "serviceAccounts",
    "trustDomains",
    "requestPrincipals",
    "trustDomain",
    "trustDomainAliases",
    "rbac",
    "provider",
    "selector",
    "matchLabels",
    "explain",
    "extensionProviders",
    "envoyExtAuthzHttp",
    "service",
    "port",
    "timeout",
    "statusOnError",
    "headersToUpstreamOnAllow",
    "includeAdditionalHeadersInCheck",
    "rules",
    "permissions",
    "principals",
    "condition",
    "call_expr",
    "function",
    "args",
    "const_expr",
    "ident_expr",
    "and_rules",
    "orIds",
    "ids",
    "not_rule",
    "header",
    "range_match",
    "start",
    "string_match",
    "safe_regex",
    "regex",
    "metadata",
    "any",
    "hosts",
    "notPorts",
    "paths",
    "methods",
    "key",
    "values",
    "notValues",
    "annotations",
  ];
  const texts = [
    "DENY",
    "ALLOW",
    "10.0.0.0/8",
    "/a/{*}",
    "/{**}",
    "*",
    "80",
    "request.headers[x-role]",
    "source.ip",
    "source.namespace",
    "request.auth.claims[a][b]",
    "experimental.envoy.filters.x[y]",
    "a/b",
    "(",
    "AUDIT",
    "CUSTOM",
    "403",
    "1s",
    "true",
  ];

  test("whatever the configuration", async () => {
    const refusal = await refusals("authz");
    await fc.assert(
      fc.asyncProperty(anyConfig(keys, texts), async (config) => {
        expect((await refusal(config)) ?? "configuration refused: .").toMatch(/^configuration refused: ./);
      }),
      { numRuns: 1500 },
    );
  }, 60_000);

  /** Every kind of rule there is. */
  const everything = {
    policies: [
      {
        metadata,
        spec: {
          rules: [
            {
              to: [
                {
                  operation: {
                    hosts: ["*.example"],
                    notHosts: ["b*"],
                    methods: ["G*"],
                    notPaths: ["/x/{*}/{**}"],
                  },
                },
              ],
            },
            { when: [{ key: "request.headers[X-Role]", values: ["ad*", "*"], notValues: ["*min"] }] },
            {
              from: [{ source: { ipBlocks: ["10.0.0.0/8", "2001:db8::/32"], notIpBlocks: ["10.1.0.0/16"] } }],
            },
            { from: [{ source: { principals: ["*"], namespaces: ["*a"], trustDomains: ["*.b"] } }] },
            { from: [{ source: { serviceAccounts: ["a/b"], notRequestPrincipals: ["*"] } }] },
            {
              when: [
                { key: "destination.port", notValues: ["80"] },
                { key: "destination.ip", values: ["::1"] },
                { key: "connection.sni", values: ["a*"] },
                { key: "request.auth.claims[a][b]", notValues: ["c"] },
                { key: "experimental.envoy.filters.a[b]", notValues: ["[c]", "d"] },
              ],
            },
          ],
        },
      },
      {
        metadata: { name: "tried", namespace: "ns", annotations: { "istio.io/dry-run": "true" } },
        spec: { action: "DENY", rules: [{ to: [{ operation: { paths: ["*a", "/{**}"] } }] }] },
      },
      {
        metadata: { name: "audit", namespace: "ns" },
        spec: { action: "AUDIT", rules: [{ to: [{ operation: { paths: ["*a"] } }] }] },
      },
      {
        metadata: { name: "custom", namespace: "ns" },
        spec: {
          action: "CUSTOM",
          provider: { name: "them" },
          rules: [{ to: [{ operation: { notMethods: ["GET"] } }] }],
        },
      },
    ],
    rbac: {
      track_per_rule_stats: true,
      rules: {
        action: "DENY",
        policies: {
          "a b": {
            permissions: [
              { header: { name: "x-a", range_match: { start: 0, end: 5 }, invert_match: true } },
              { url_path: { path: { safe_regex: { regex: "(a|b)*c" } } } },
              { metadata: { filter: "a", path: [{ key: "b" }], value: { bool_match: true } } },
              { destination_port_range: { start: 1, end: 3 } },
            ],
            principals: [
              { authenticated: { principal_name: { contains: "x", ignore_case: true } } },
              { filter_state: { key: "a", string_match: { suffix: "b" } } },
            ],
          },
        },
      },
    },
    extensionProviders: [
      {
        name: "them",
        envoyExtAuthzHttp: {
          service: "a",
          port: 1,
          cluster: "them",
          includeRequestHeadersInCheck: ["x-*"],
          headersToUpstreamOnAllow: ["x-*"],
        },
      },
    ],
    explain: { header: "x-why" },
  };
  const address = fc.oneof(
    fc.constantFrom("10.1.2.3:80", "[2001:db8::1]:80", "[::ffff:10.2.0.1]:1", "/tmp/s", ""),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  const name = fc.option(fc.oneof(fc.constantFrom(...PEERS), fc.string({ unit: "binary", maxLength: 20 })));
  const anyConnection = fc.record({ address, port: fc.nat(70_000), name }).map((each) => ({
    remoteAddress: each.address,
    localAddress: each.address,
    localPort: each.port,
    requestedServerName: each.name ?? "",
    tls:
      each.name === null
        ? undefined
        : {
            version: "TLSv1.3",
            mtls: true,
            peerCertificateValid: true,
            subjectPeer: each.name,
            uriSanPeer: each.name,
          },
  }));
  /** One whose critical line would say that the guest has trapped. */
  const start = () => withFilter("authz", everything, { trace: false });

  test("whatever the request, and whatever a provider answers", async () => {
    const host = await start();
    fc.assert(
      fc.property(
        anyRequest,
        anyConnection,
        fc.integer({ min: 0, max: 700 }),
        anyRequest,
        (headers, connection, status, answer) => {
          host.mockCluster(
            "them",
            status < 100
              ? { failure: status < 50 ? "cut" : "reset" }
              : { status, headers: rawHeaders(answer.filter(([key]) => !key.startsWith(":"))), body: "x" },
          );
          const exchange = host.request({ rawHeaders: rawHeaders(headers), connection });
          host.settle();
          if (!exchange.over) exchange.respond();
        },
      ),
      { numRuns: 2000 },
    );
    expect(host.logs("abort:")).toEqual([]);
  }, 60_000);

  test("whatever the connection", async () => {
    const host = await start();
    fc.assert(
      fc.property(anyConnection, fc.string(), (connection, data) => {
        const tcp = host.connect({ connection });
        if (tcp.connected) tcp.send(data);
        if (tcp.closedBy === undefined) tcp.disconnect();
      }),
      { numRuns: 500 },
    );
    expect(host.logs("abort:")).toEqual([]);
  });
});
