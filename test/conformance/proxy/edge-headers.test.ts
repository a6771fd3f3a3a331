import { expect, test } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type DifferentialRequest, differential } from "../../support/differential";
import type { RawHeaders } from "../../support/http-message";

/** Orders to the router, which takes them out when it obeys. */
const ORDERS = [
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-retriable-status-codes",
  "x-envoy-retriable-header-names",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-stream-duration-ms",
  "x-envoy-hedge-on-per-try-timeout",
];

/** Headers that only the proxy itself, or a hop inside, may set. */
const OWN = [
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-force-trace",
  "x-envoy-ip-tags",
  "x-envoy-original-url",
  "x-envoy-original-path",
  "x-envoy-original-host",
  "x-envoy-original-method",
  "x-envoy-decorator-operation",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-internal",
  "x-envoy-external-address",
  "x-envoy-attempt-count",
  "x-envoy-is-timeout-retry",
  "x-envoy-degraded",
  "x-envoy-peer-metadata",
  "x-envoy-something-else",
  "x-client-trace-id",
  "x-private",
];

const saying = (names: readonly string[]): DifferentialRequest[] => [
  ...names.flatMap((name): DifferentialRequest[] => {
    const twice: RawHeaders = [
      [name, "1000"],
      ["x-other", "2"],
      [name, "3"],
    ];
    return [{ headers: [[name, "1000"]] }, { headers: twice }];
  }),
  { http2: { headers: names.map((name): [string, string] => [name, "1000"]) } },
];

const LOOPBACK = {
  internal_address_config: { cidr_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
};

const direct = (status: number): Json => ({ match: { prefix: "/direct" }, direct_response: { status } });
const routes = (id: string): Json[] => [direct(200), { match: { prefix: "/" }, route: { cluster: id } }];

differential("What a client may say of itself", (pair) => {
  const route_config = (more: Json): Json => ({
    route_config: {
      virtual_hosts: [
        { name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
      ],
      ...more,
    },
  });
  const managers: Readonly<Record<string, Json>> = {
    "nothing configured": {},
    "outside, at the edge": { use_remote_address: true },
    inside: { use_remote_address: true, ...LOOPBACK },
    add_user_agent: { add_user_agent: true },
    "add_user_agent at the edge": { add_user_agent: true, use_remote_address: true },
  };
  for (const [name, manager] of Object.entries(managers)) {
    const both = pair({ manager, routes });
    test(name, async () => {
      const seen = await both.same(saying([...ORDERS, ...OWN]));
      expect(seen.every(({ status }) => status === 200)).toBe(true);
    });
  }

  const told = "on log\n private = get 0 x-private\n other = get 0 x-other";
  const only = pair({
    manager: {
      ...LOOPBACK,
      use_remote_address: true,
      ...route_config({ internal_only_headers: ["X-Private"] }),
    },
    loggers: [told],
  });
  const everywhere = pair({
    manager: route_config({ internal_only_headers: ["x-private"] }),
    loggers: [told],
  });
  test("internal_only_headers", async () => {
    const headers: RawHeaders = [
      ["x-private", "1"],
      ["x-other", "2"],
      ["x-private", "3"],
    ];
    await only.same([{ headers }, { headers: [...headers, ["x-forwarded-for", "10.0.0.1"]] }]);
    await everywhere.same([{ headers }]);
  });

  const referers = pair({});
  test("referer: what is no URL, or said twice, is left out", async () => {
    const values = [
      ...["http://a.example/", "http://a.example", "HTTP://A/", "http://a.example?x", "http://a.example#x"],
      ...["https://a.example:8443/x?y?z", "https://a.example/x#y", "http://a.example/?@", "http://."],
      ...["http://", "http:///x", "http:x", "http:/x", "http://a b/", "http://a.example/a b", "http://a_b/"],
      ...["http://a.example:65535/", "http://a.example:65536/", "http://a.example:/", "http://a:8:8/"],
      ...["http://[::1]/", "http://[::1]:80/x", "http://[::1", "http://[zz]/", "http://[::1]x/"],
      ...["http://user@a/", "http://u:p@a/", "http://@a/", "http://a@b@c/", 'http://a/"<>|{}^`'],
      ...[
        "ftp://a/",
        "android-app://com.example/",
        "a1://x/",
        "+a://x/",
        "about:blank",
        "a,b",
        "http://a,b/",
      ],
      ...[
        "a.example",
        "/x",
        "",
        "//x/",
        "*",
        "x?y",
        "/x?y",
        "/x#y",
        "#x",
        "?x",
        "x:y",
        "/x:y",
        "/\u00e9",
        "é",
      ],
    ];
    const twice: RawHeaders = [
      ["referer", "http://a.example/"],
      ["referer", "http://b.example/"],
    ];
    await referers.same([
      ...values.map((value) => ({ headers: [["referer", value]] as RawHeaders })),
      { headers: twice },
    ]);
  });
});

const UUID = "12345678-1234-4123-8123-1234567890ab";
const traced = (digit: string) => `12345678-1234-${digit}123-8123-1234567890ab`;

const IDS: RawHeaders[] = [
  [],
  [["x-request-id", "own"]],
  [["x-request-id", ""]],
  [["x-request-id", UUID]],
  ...["9", "a", "b", "A", "0"].map((digit): RawHeaders => [["x-request-id", traced(digit)]]),
  [
    ["x-request-id", "one"],
    ["x-request-id", "two"],
  ],
  [["x-envoy-force-trace", "1"]],
  [
    ["x-request-id", UUID],
    ["x-client-trace-id", "t"],
  ],
];

/** Ids as they are: those of this file are no random ones. */
const idRequests: DifferentialRequest[] = IDS.flatMap((headers) => [
  { headers },
  { headers, path: "/direct" },
  { headers, path: "nowhere" },
  { http2: { headers } },
]);

differential("Request ids", (pair) => {
  const extension = (more: Json): Json => ({
    request_id_extension: {
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
        ...more,
      },
    },
  });
  const managers: Readonly<Record<string, Json>> = {
    "nothing configured": {},
    "at the edge": { use_remote_address: true },
    "at the edge, preserved": { use_remote_address: true, preserve_external_request_id: true },
    inside: { use_remote_address: true, ...LOOPBACK },
    "not made": { generate_request_id: false },
    "not made at the edge": { generate_request_id: false, use_remote_address: true },
    "in the response": { always_set_request_id_in_response: true },
    "in the response, not made": { always_set_request_id_in_response: true, generate_request_id: false },
    "without the trace reason": { use_remote_address: true, ...extension({ pack_trace_reason: false }) },
    "without the trace reason, preserved": {
      use_remote_address: true,
      preserve_external_request_id: true,
      ...extension({ pack_trace_reason: false, use_request_id_for_trace_sampling: false }),
    },
  };
  for (const [name, manager] of Object.entries(managers)) {
    const both = pair({ manager, routes, loggers: ["on log\n id = get 0 x-request-id"] });
    test(name, async () => {
      await both.same(idRequests);
    });
  }
});

differential("server and via", (pair) => {
  const managers: Readonly<Record<string, Json>> = {
    "nothing configured": {},
    server_name: { server_name: "my proxy" },
    APPEND_IF_ABSENT: { server_header_transformation: "APPEND_IF_ABSENT", server_name: "mine" },
    PASS_THROUGH: { server_header_transformation: "PASS_THROUGH", server_name: "mine" },
    via: { via: "1.1 mine" },
  };
  for (const [name, manager] of Object.entries(managers)) {
    const both = pair({
      manager,
      routes,
      upstream: async (request, reply) => {
        await request.message;
        const said = request.path === "/server";
        reply.send({
          body: "ok",
          headers: said
            ? [
                ["Server", "theirs"],
                ["Via", "1.0 theirs"],
                ["Via", "1.0 others"],
              ]
            : [],
        });
      },
    });
    test(name, async () => {
      await both.same([
        { path: "/" },
        { path: "/server" },
        { path: "/direct" },
        { path: "nowhere" },
        { path: "/#" },
        { method: "BREW" },
        { path: "/", headers: [["via", "1.0 before"]] },
        { path: "/", headers: [["via", ""]] },
        {
          path: "/",
          headers: [
            ["connection", "upgrade"],
            ["upgrade", "x"],
          ],
        },
        { http2: { path: "/server" } },
      ]);
    });
  }
});
