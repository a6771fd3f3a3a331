import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import type { RawHeaders } from "../../support/http-message";
import { RawUpstream, type UpstreamHandler, type UpstreamRequest } from "../../support/raw-upstream";
import { type RuleSpec, rbacRules } from "../support/native-rbac";
import type { Probe } from "../support/subjects";
import { type Case, ThreeSubjects } from "../support/three-subjects";

/** What proxies add by themselves, each in its way. */
const OWN = /^(x-forwarded-for|x-forwarded-proto|x-request-id|x-envoy-.*|connection|keep-alive)$/;

function told(request: UpstreamRequest): string {
  const headers = request.headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => !OWN.test(name));
  return JSON.stringify([request.startLine, ...headers.toSorted()]);
}

/** The application answers with what it was asked. */
const app: UpstreamHandler = async (request, reply) => {
  await request.message;
  reply.send({ body: told(request) });
};

/** The provider answers by the path it is asked for, and tells what it was shown. */
const provider: UpstreamHandler = async (request, reply) => {
  await request.message;
  const shown: RawHeaders = [
    ["X-Shown", told(request)],
    ["X-User", "ann"],
    ["x-user", "bob"],
    ["X-Other", "o"],
    ["Set-Cookie", "a=b"],
    ["Set-Cookie", "c=d"],
    ["WWW-Authenticate", "Basic"],
    ["Content-Type", "text/x-mine"],
  ];
  const wanted = /[a-z]+$/.exec(request.path)?.[0];
  if (wanted === "silent") return;
  if (wanted === "broken") return reply.abort();
  const status =
    { allow: 200, deny: 401, move: 302, error: 500, odd: 600, created: 201 }[wanted ?? ""] ?? 403;
  const headers: RawHeaders = status === 302 ? [...shown, ["Location", "/login"]] : shown;
  reply.send({ status, headers, body: status === 200 ? "" : "go away" });
};

const RULES: RuleSpec[] = [
  { to: [{ operation: { paths: ["/ask/*"] } }] },
  { when: [{ key: "request.headers[x-role]", values: ["guest"] }] },
];

/** One provider as Istio's mesh config has it, and as its control plane writes Envoy's filter for it. */
function custom(name: string, http: build.Json, native: build.Json = {}, more: build.Json = {}): Case {
  const policy = { metadata: { name: "p", namespace: "shop" }, spec: { rules: RULES } };
  const { service = {}, ...filter } = native as { service?: build.Json };
  return {
    name,
    ours: {
      policies: [{ ...policy, spec: { action: "CUSTOM", provider: { name: "them" }, rules: RULES } }],
      extensionProviders: [
        {
          name: "them",
          envoyExtAuthzHttp: { service: "authz", port: 80, cluster: "authz", timeout: "0.5s", ...http },
        },
      ],
      ...more,
    },
    native: [
      {
        name: "envoy.filters.http.rbac",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
          shadow_rules: rbacRules("DENY", [policy]),
          shadow_rules_stat_prefix: "istio_ext_authz_",
        },
      },
      {
        name: "envoy.filters.http.ext_authz",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
          transport_api_version: "V3",
          http_service: {
            server_uri: {
              uri: "http://authz",
              cluster: (http.cluster as string) ?? "authz",
              timeout: "0.5s",
            },
            ...service,
          },
          filter_enabled_metadata: {
            filter: "envoy.filters.http.rbac",
            path: [{ key: "istio_ext_authz_shadow_effective_policy_id" }],
            value: { string_match: { prefix: "ns[" } },
          },
          ...filter,
        },
      },
    ],
  };
}

const names = (...patterns: build.Json[]) => ({
  patterns: patterns.map((pattern) => ({ ...pattern, ignore_case: true })),
});

const CASES: Case[] = [
  custom("as it comes", {}),
  custom(
    "headers and a prefix",
    {
      pathPrefix: "/check",
      includeRequestHeadersInCheck: ["X-Role", "x-pre*", "*-post"],
      includeAdditionalHeadersInCheck: { "X-Added": "yes" },
      headersToUpstreamOnAllow: ["X-User", "x-shown"],
      headersToDownstreamOnDeny: ["x-shown", "X-Us*", "set-cookie"],
    },
    {
      allowed_headers: names({ exact: "X-Role" }, { prefix: "x-pre" }, { suffix: "-post" }),
      service: {
        path_prefix: "/check",
        authorization_request: { headers_to_add: [{ key: "x-added", value: "yes" }] },
        authorization_response: {
          allowed_upstream_headers: names({ exact: "X-User" }, { exact: "x-shown" }),
          allowed_client_headers: names({ exact: "x-shown" }, { prefix: "X-Us" }, { exact: "set-cookie" }),
        },
      },
    },
  ),
  custom("open on failure", { failOpen: true }, { failure_mode_allow: true }),
  custom("a status on failure", { statusOnError: "503" }, { status_on_error: { code: 503 } }),
  custom("nobody there", { cluster: "nobody" }),
  custom("nobody there, open", { cluster: "nobody", failOpen: true }, { failure_mode_allow: true }),
];

const paths = ["allow", "deny", "move", "error", "odd", "created", "silent", "broken", "none"];
const PROBES: Probe[] = [
  { path: "/free" },
  ...paths.map((path): Probe => ({ path: `/ask/${path}`, headers: [["authorization", "me"]] })),
  {
    path: "/ask/allow?a=b",
    method: "POST",
    host: "A.example:80",
    body: "content",
    headers: [
      ["x-role", "a"],
      ["X-Role", "b"],
      ["x-prefixed", "1"],
      ["a-post", "2"],
      ["x-user", "forged"],
      ["x-secret", "s"],
      ["cookie", "c"],
    ],
  },
  { path: "/deny", headers: [["x-role", "guest"]] },
  {
    path: "/deny",
    headers: [
      ["x-role", "guest"],
      ["content-type", "application/grpc"],
    ],
    method: "POST",
  },
  { path: "/ask/error", headers: [["content-type", "application/grpc"]], method: "POST" },
  { path: "/ask/deny", method: "HEAD" },
];

describe.skipIf(!inject("envoy"))("authz asks providers as Envoy's ext_authz filter", () => {
  const subjects = new ThreeSubjects(CASES, app);
  let authz: RawUpstream;
  beforeAll(async () => {
    authz = await RawUpstream.start(provider);
    await subjects.start([build.cluster("authz", authz.port), build.cluster("nobody", 1)]);
  }, 120_000);
  afterAll(async () => {
    await subjects.stop();
    await authz.close();
  });

  test.each(CASES.map(({ name }, at) => [name, at] as const))(
    "%s",
    async (_, at) => {
      await subjects.compare(at, PROBES);
      expect(authz.requests.length).toBeGreaterThan(20);
    },
    60_000,
  );
});
