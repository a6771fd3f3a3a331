import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { type FilterName, refusals, withFilter } from "./support/filter";
import { jwks, newKey } from "./support/jwt";

const root = new URL("../../", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), "utf8");
const schemaOf = (filter: string) => z.fromJSONSchema(JSON.parse(read(`filters/${filter}/schema.json`)));

async function accepts(filter: FilterName, config: unknown): Promise<boolean> {
  const refusal = await refusals(filter);
  return (await refusal(config)) === undefined;
}

/** A good configuration of each filter that uses every field. */
const FULL: Record<string, unknown> = {
  fault: {
    http: [
      {
        name: "a",
        match: [
          {
            name: "m",
            uri: { exact: "/a" },
            ignoreUriCase: true,
            method: { prefix: "G" },
            authority: { regex: "a.*" },
            scheme: {},
            headers: { "x-a": { exact: "" }, "@request.auth.claims[a][b]": { exact: "c" } },
            withoutHeaders: { "x-b": {} },
            queryParams: { q: { exact: "1" } },
            routeName: { exact: "r" },
            upstreamCluster: { prefix: "outbound|80|" },
            downstreamNodes: ["n"],
            port: 80,
            sourceLabels: { app: "a" },
            sourceNamespace: "n",
            gateways: ["mesh"],
          },
        ],
        schedule: { start: "2026-11-25T10:00:00Z", duration: "10m", ramp: "1m" },
        fault: {
          delay: { percentage: { value: 12.5 }, percent: 3, fixedDelay: "1s" },
          abort: { percentage: { value: 100 }, httpStatus: 503 },
          responseRateLimit: { percentage: { value: 1 }, limitKbps: 64 },
          stall: { percentage: { value: 1 }, afterBytes: 100, duration: "1s" },
          truncate: { percentage: { value: 1 }, afterBytes: 100, reset: true },
        },
        route: [],
      },
      { fault: { abort: { grpcStatus: "UNAVAILABLE" } } },
    ],
    headerFaults: {
      delay: { numerator: 1, denominator: "TEN_THOUSAND" },
      abort: { numerator: 100 },
      responseRateLimit: { numerator: 5 },
    },
    maxActiveFaults: 5,
    seed: 7,
    killSwitchHeader: "x-no-fault",
    runtime: {
      "fault.http.delay.fixed_delay_percent": 5,
      "fault.http.delay.fixed_duration_ms": 100,
      "fault.http.abort.abort_percent": { numerator: 5, denominator: "MILLION" },
      "fault.http.abort.http_status": 500,
      "fault.http.abort.grpc_status": 14,
      "fault.http.rate_limit.response_percent": 100,
      "fault.http.max_active_faults": 3,
      "fault.http.a.b.delay.fixed_delay_percent": 5,
      "fault.http.a.delay.fixed_duration_ms": 100,
      "fault.http.a.abort.abort_percent": 100,
      "fault.http.a.abort.http_status": 500,
      "fault.http.a.abort.grpc_status": 14,
    },
  },
  authz: {
    jwtRules: [
      {
        issuer: "https://issuer.example",
        audiences: ["shop"],
        jwks: jwks(newKey("RSA", { kid: "a" }), newKey("P-521")),
        fromHeaders: [{ name: "x-token", prefix: "JWT " }, { name: "x-other" }],
        fromParams: ["token"],
        fromCookies: ["session"],
        forwardOriginalToken: true,
        outputPayloadToHeader: "x-payload",
        outputClaimToHeaders: [{ header: "x-sub", claim: "sub" }],
        spaceDelimitedClaims: ["roles"],
      },
      {
        issuer: "https://other.example",
        jwksUri: "https://other.example/keys",
        jwksCluster: "keys",
        jwksCacheDuration: "1m",
        timeout: "1s",
      },
    ],
    policies: [
      {
        apiVersion: "security.istio.io/v1",
        kind: "AuthorizationPolicy",
        metadata: {
          name: "p",
          namespace: "n",
          annotations: { "istio.io/dry-run": "true" },
          labels: { a: "b" },
        },
        spec: {
          action: "DENY",
          rules: [
            {
              from: [
                { source: { ipBlocks: ["10.0.0.0/8"], notIpBlocks: ["::1"] } },
                { source: { principals: ["a"], notNamespaces: ["b"], trustDomains: ["td"] } },
                { source: { serviceAccounts: ["a/b", "c"], remoteIpBlocks: ["::1"] } },
                { source: { requestPrincipals: ["*"] } },
              ],
              to: [
                { operation: { hosts: ["a"], notHosts: ["b"], ports: ["80"], notPorts: ["81"] } },
                {
                  operation: { methods: ["GET"], notMethods: ["PUT"], paths: ["/a/{*}"], notPaths: ["/b*"] },
                },
              ],
              when: [
                { key: "request.headers[x-a]", values: ["1"], notValues: ["2"] },
                { key: "source.ip", values: ["10.0.0.1"] },
                { key: "destination.ip", notValues: ["10.0.0.2"] },
                { key: "destination.port", values: ["80"] },
                { key: "request.auth.claims[a][b]", values: ["c"] },
                { key: "experimental.envoy.filters.x[y]", values: ["[z]"] },
                { key: "source.serviceAccount", values: ["a"] },
              ],
            },
          ],
        },
        status: {},
      },
      { metadata: { name: "q", namespace: "n" } },
      {
        metadata: { name: "r", namespace: "n" },
        spec: { action: "AUDIT", selector: { matchLabels: {} }, rules: [{}] },
      },
      {
        metadata: { name: "c", namespace: "n" },
        spec: { action: "CUSTOM", provider: { name: "them" }, rules: [{}] },
      },
    ],
    rbac: [
      {
        rules: {
          action: "DENY",
          policies: {
            a: {
              permissions: [
                {
                  and_rules: { rules: [{ any: true }, { not_rule: { url_path: { path: { exact: "" } } } }] },
                },
                { header: { name: "x-a", string_match: { prefix: "b", ignore_case: true } } },
                { header: { name: "x-b", range_match: { start: 1, end: "5" }, invert_match: true } },
                { header: { name: "x-c", present_match: false, treat_missing_header_as_empty: true } },
                { header: { name: "x-d", safe_regex_match: { google_re2: {}, regex: "a.*" } } },
                { destination_ip: { address_prefix: "10.0.0.0", prefix_len: 8 } },
                { destination_port_range: { start: 0, end: 80 } },
                {
                  uri_template: {
                    name: "t",
                    typed_config: {
                      "@type":
                        "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
                      path_template: "/a/*",
                    },
                  },
                },
              ],
              principals: [
                { or_ids: { ids: [{ authenticated: { principal_name: { contains: "b" } } }] } },
                {
                  sourced_metadata: {
                    metadata_source: "ROUTE",
                    metadata_matcher: {
                      filter: "f",
                      path: [{ key: "k" }],
                      value: {
                        or_match: {
                          value_matchers: [{ list_match: { one_of: { string_match: { suffix: "a" } } } }],
                        },
                      },
                      invert: true,
                    },
                  },
                },
                { metadata: { filter: "f", path: [{ key: "k" }], value: { bool_match: true } } },
                { filter_state: { key: "k", string_match: { safe_regex: { regex: "a" } } } },
                { not_id: { remote_ip: { address_prefix: "::1" } } },
              ],
              condition: {
                call_expr: {
                  function: "_&&_",
                  args: [
                    {
                      call_expr: {
                        target: {
                          select_expr: { operand: { ident_expr: { name: "request" } }, field: "path" },
                        },
                        function: "startsWith",
                        args: [{ const_expr: { string_value: "/" } }],
                      },
                    },
                    {
                      call_expr: {
                        function: "@in",
                        args: [
                          { const_expr: { int64_value: "1" } },
                          { list_expr: { elements: [{ const_expr: { int64_value: 1 } }] } },
                        ],
                      },
                    },
                  ],
                },
              },
            },
          },
        },
        shadow_rules: {},
        shadow_rules_stat_prefix: "try",
        track_per_rule_stats: true,
      },
    ],
    extensionProviders: [
      {
        name: "them",
        envoyExtAuthzHttp: {
          service: "authz.shop.svc.cluster.local",
          port: 8000,
          cluster: "authz",
          timeout: "1.5s",
          pathPrefix: "/check",
          failOpen: true,
          statusOnError: "503",
          includeHeadersInCheck: ["x-a"],
          includeRequestHeadersInCheck: ["x-a*"],
          includeAdditionalHeadersInCheck: { "x-b": "c" },
          headersToUpstreamOnAllow: ["x-user"],
          headersToDownstreamOnDeny: ["*-user"],
        },
      },
    ],
    explain: { header: "x-why" },
    trustDomain: "td",
    trustDomainAliases: ["cluster.local"],
  },
  metrics: {
    reporter: "destination",
    maxSeries: 10,
    peerExchange: true,
    disableHostHeaderFallback: false,
    appMetrics: true,
    metrics: [
      {
        providers: [{ name: "prometheus" }],
        overrides: [
          { match: { metric: "REQUEST_SIZE", mode: "SERVER" }, disabled: true },
          {
            tagOverrides: {
              request_host: { operation: "UPSERT", value: "request.host" },
              response_flags: { operation: "REMOVE" },
            },
          },
        ],
        reportingInterval: "10s",
      },
    ],
  },
  ratelimit: {
    stat_prefix: "p",
    status: { code: 503 },
    token_bucket: { max_tokens: 10, tokens_per_fill: 2, fill_interval: "1s" },
    filter_enabled: { runtime_key: "k", default_value: { numerator: 50, denominator: "HUNDRED" } },
    filter_enforced: { default_value: { numerator: 1 } },
    response_headers_to_add: [{ header: { key: "x-a", value: "b" } }],
    descriptors: [
      { entries: [{ key: "k", value: "v" }], token_bucket: { max_tokens: 1, fill_interval: "0.05s" } },
    ],
    rate_limits: [
      {
        actions: [
          { request_headers: { header_name: "x-a", descriptor_key: "k", skip_if_absent: true } },
          { remote_address: {} },
          { generic_key: { descriptor_key: "k", descriptor_value: "v" } },
          {
            header_value_match: {
              descriptor_key: "k",
              descriptor_value: "v",
              expect_match: false,
              headers: [
                {
                  name: "x-b",
                  string_match: { safe_regex: { regex: "a.*" }, ignore_case: true },
                  invert_match: true,
                  treat_missing_header_as_empty: true,
                },
                { name: "x-c", present_match: false },
                { name: "x-d", string_match: { exact: "" } },
              ],
            },
          },
        ],
      },
    ],
    always_consume_default_token_bucket: false,
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    rate_limited_as_resource_exhausted: true,
  },
};

/** Every way to spoil one place of a tree: take it away, add a field beside it, put something else in its place. */
function* spoiled(tree: unknown): Generator<unknown> {
  for (const other of [null, true, "x", "", 5, -1, 0.5, [], {}]) {
    if (JSON.stringify(other) !== JSON.stringify(tree)) yield other;
  }
  if (Array.isArray(tree)) {
    for (const [i, item] of tree.entries()) {
      yield tree.toSpliced(i, 1);
      for (const bad of spoiled(item)) yield tree.with(i, bad);
    }
  } else if (tree !== null && typeof tree === "object") {
    yield { ...tree, surprise: 1 };
    for (const [key, item] of Object.entries(tree)) {
      const { [key]: _, ...rest } = tree as Record<string, unknown>;
      yield rest;
      for (const bad of spoiled(item)) yield { ...tree, [key]: bad };
    }
  }
}

/** Values only the filter looks into: JSON Schema has no words for them. */
const BEYOND_SCHEMA =
  /expected (a duration|an IP address|a port)|not an expression|a path template|a second policy of this name|start must be less|no operator|does not take the expression|expected a name|a second descriptor|Jwks|needs token_bucket or/;

describe.each(Object.keys(FULL) as FilterName[])("schema of %s", (filter) => {
  test("takes what the filter takes, and refuses what it refuses", async () => {
    const schema = schemaOf(filter);
    expect(schema.safeParse(FULL[filter]).success).toBe(true);
    expect(await accepts(filter, FULL[filter])).toBe(true);
    const all = [...spoiled(FULL[filter])];
    const refuse = await refusals(filter);
    let refused = 0;
    for (const config of all) {
      const refusal = await refuse(JSON.stringify(config));
      const valid = schema.safeParse(config).success;
      if (valid && refusal !== undefined) expect(refusal).toMatch(BEYOND_SCHEMA);
      else
        expect([config, refusal ?? "accepted", valid]).toEqual([
          config,
          refusal ?? "accepted",
          refusal === undefined,
        ]);
      if (refusal !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(all.length / 3);
  }, 120_000);

  test("its README's example is accepted, by the schema too", async () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(read(`filters/${filter}/README.md`))![1]!;
    const { config } = parse(yaml).http_filters[0].typed_config;
    expect(config.root_id).toBe(filter);
    const configuration = JSON.parse(config.configuration.value);
    expect(schemaOf(filter).safeParse(configuration).success).toBe(true);
    expect(await accepts(filter, configuration)).toBe(true);
  });
});

test.each(["fault", "authz", "metrics", "ratelimit"] as const)(
  "the WasmPlugin in the README of %s is accepted",
  async (filter) => {
    const blocks = [...read(`filters/${filter}/README.md`).matchAll(/```yaml\n([\s\S]*?)```/g)];
    const plugins = blocks
      .flatMap(([, yaml]) => parseAllDocuments(yaml!).map((document) => document.toJS()))
      .filter(({ kind }) => kind === "WasmPlugin");
    expect(plugins.length).toBeGreaterThan(0);
    for (const { spec } of plugins) {
      expect(spec.pluginName).toBe(filter);
      expect(schemaOf(filter).safeParse(spec.pluginConfig).error).toBeUndefined();
      // In a mesh every proxy says which workload's it is.
      await withFilter(filter, spec.pluginConfig, { node: { metadata: { LABELS: { app: "cart" } } } });
    }
  },
);

test("authz: what its README says of tokens is accepted, and Istio's objects stand in it as they are", async () => {
  const readme = read("filters/authz/README.md");
  for (const [, json] of readme.matchAll(/```json\n([\s\S]*?)```/g))
    expect(await accepts("authz", JSON.parse(json!))).toBe(true);
  const documents = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)]
    .flatMap(([, yaml]) => parseAllDocuments(yaml!))
    .map((document) => document.toJS());
  const of = (kind: string) => documents.find((document) => document.kind === kind);
  const { jwtRules, policies } = documents.findLast(({ kind }) => kind === "WasmPlugin").spec.pluginConfig;
  expect(jwtRules).toEqual(of("RequestAuthentication").spec.jwtRules);
  expect(policies).toEqual([of("AuthorizationPolicy")]);
});

test.each(["metrics", "ratelimit"])("the README of %s has every field of its schema in a table", (filter) => {
  const rows = read(`filters/${filter}/README.md`)
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .join("\n");
  for (const field of Object.keys(JSON.parse(read(`filters/${filter}/schema.json`)).properties))
    expect(rows).toContain(`\`${field}\``);
});

test("the tags of the metrics filter are those of its labels, and the demo's are among them", () => {
  interface StatsTag {
    tag_name: string;
    regex: string;
  }
  const pairs = (tags: StatsTag[]) => tags.map(({ tag_name, regex }) => [tag_name, regex]);
  const all = pairs(parse(read("filters/metrics/stats-tags.yaml")).stats_tags);
  const ofDemo = pairs(parse(read("examples/sidecar/envoy.yaml")).stats_config.stats_tags);
  const labels = read("filters/metrics/labels.ts");
  const names = [...labels.slice(labels.indexOf("LABEL_NAMES")).matchAll(/"(\w+)"/g)].map(([, name]) => name);
  expect(names).toHaveLength(25);
  expect(all.slice(0, 25).map(([name]) => name)).toEqual(names);
  for (const [name, regex] of all) expect(regex).toMatch(`(${name}=\\.=(.*?);\\.;)`);
  expect(all.slice(0, 27)).toEqual(ofDemo);
});

test("the demo's configurations are good by the schemas", () => {
  const demo = parse(read("examples/sidecar/envoy.yaml"));
  const manager = demo.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  const filters = manager.http_filters.filter(({ name }: { name: string }) => name in FULL);
  expect(filters).toHaveLength(3);
  expect(Object.keys(FULL)).toHaveLength(globSync("filters/*/index.ts", { cwd: root }).length);
  for (const { name, typed_config } of filters) {
    const result = schemaOf(name).safeParse(JSON.parse(typed_config.config.configuration.value));
    expect([name, result.error]).toEqual([name, undefined]);
  }
});
