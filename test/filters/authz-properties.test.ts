import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startHost } from "../../host/testing/vitest";
import { anyProbe, anySpec } from "./support/any-policy";
import { anyConfig, anyRequest } from "./support/anything";
import { rawHeaders, refusals, withFilter } from "./support/filter";

const metadata = { name: "p", namespace: "ns" };

/** Who may ask: identities of the mesh, of others, and none. */
const PEERS: (string | undefined)[] = [
  undefined,
  "spiffe://cluster.local/ns/shop/sa/cart",
  "spiffe://old.example/ns/shop/sa/cart",
  "spiffe://other.example/ns/default/sa/cart/x",
  "spiffe://cluster.local/ns/shopping/x/sa/pay",
  "https://a.example/ns/shop/",
];

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
