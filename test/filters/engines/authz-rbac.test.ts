import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Json } from "../../support/bootstrap";
import { anyProbe, anySpec } from "../support/any-policy";
import { rbacFilters } from "../support/native-rbac";
import type { Probe } from "../support/subjects";
import { type Case, ThreeSubjects } from "../support/three-subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const GENERATED = 20;

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const ANY = [{ any: true }];

/** RBAC policies by permissions alone. */
function permitted(action: string, ...permissions: Json[]): Json {
  const policies = Object.fromEntries(
    permissions.map((permission, i) => [`rule ${i}`, { permissions: [permission], principals: ANY }]),
  );
  return { rules: { action, policies } };
}

const header = (more: Json): Json => ({ header: { name: "x-role", ...more } });

/** CEL as Envoy's configuration has it: as a tree. */
const ident = (name: string): Json => ({ ident_expr: { name } });
const select = (operand: Json, field: string, more: Json = {}): Json => ({
  select_expr: { operand, field, ...more },
});
const call = (name: string, ...args: Json[]): Json => ({ call_expr: { function: name, args } });
const str = (string_value: string): Json => ({ const_expr: { string_value } });
const requestPart = (field: string): Json => select(ident("request"), field);
const role = call("_[_]", requestPart("headers"), str("x-role"));

function conditional(condition: Json): Json {
  return { rules: { action: "DENY", policies: { cel: { permissions: ANY, principals: ANY, condition } } } };
}

const CONDITIONS: Record<string, Json> = {
  method: conditional(call("_==_", requestPart("method"), str("GET"))),
  "or, not": conditional(
    call(
      "_||_",
      call("_!=_", requestPart("method"), str("GET")),
      call("!_", call("_==_", role, str("admin"))),
    ),
  ),
  "a missing header is no answer": conditional(call("_==_", role, str("guest"))),
  in: conditional(call("@in", requestPart("method"), { list_expr: { elements: [str("PUT"), str('P"\\')] } })),
  "methods of texts": conditional({
    call_expr: { target: requestPart("path"), function: "startsWith", args: [str("/a")] },
  }),
  numbers: conditional(
    call("_&&_", call("_>=_", call("size", requestPart("path")), { const_expr: { int64_value: "4" } }), {
      const_expr: { bool_value: true },
    }),
  ),
  ternary: conditional(
    call(
      "_?_:_",
      call("_==_", requestPart("method"), str("GET")),
      { const_expr: { bool_value: false } },
      {
        const_expr: { bool_value: true },
      },
    ),
  ),
};

const WRITTEN: Record<string, Json> = {
  ...Object.fromEntries(Object.entries(CONDITIONS).map(([name, config]) => [`condition: ${name}`, config])),
  "no rules": {},
  "no policies: deny all": { rules: { action: "ALLOW" } },
  "no policies to deny": { rules: { action: "DENY" } },
  "LOG never denies": permitted("LOG", { any: true }),
  "the default is ALLOW": {
    rules: { policies: { a: { permissions: [{ url_path: { path: { exact: "/a" } } }], principals: ANY } } },
  },
  "spaces in ids": permitted("DENY", { any: true }),
  "old header tests": permitted(
    "DENY",
    header({ exact_match: "guest" }),
    header({ prefix_match: "adm" }),
    header({ suffix_match: "min2" }),
    header({ contains_match: "," }),
    header({ safe_regex_match: { google_re2: {}, regex: "[A-Z]+" } }),
  ),
  "header tests": permitted(
    "ALLOW",
    header({ string_match: { exact: "ADMIN", ignore_case: true } }),
    header({ string_match: { contains: "UES", ignore_case: true } }),
    header({ string_match: { suffix: "Ée" } }),
  ),
  presence: permitted("DENY", header({}), header({ present_match: false })),
  "no presence": permitted("ALLOW", header({ present_match: true, invert_match: true })),
  "neither presence": permitted("ALLOW", header({ present_match: false, invert_match: true })),
  inverted: permitted("ALLOW", header({ string_match: { exact: "guest" }, invert_match: true })),
  "inverted, missing is empty": permitted(
    "ALLOW",
    header({ string_match: { exact: "guest" }, invert_match: true, treat_missing_header_as_empty: true }),
  ),
  "missing is empty": permitted(
    "ALLOW",
    header({ string_match: { exact: "" }, treat_missing_header_as_empty: true }),
  ),
  "presence, missing is empty": permitted(
    "ALLOW",
    header({ present_match: false, treat_missing_header_as_empty: true }),
  ),
  range: permitted(
    "ALLOW",
    { header: { name: "x-number", range_match: { start: -5, end: 10 } } },
    { header: { name: "x-number", range_match: { start: "1000000", end: "1000001" } } },
  ),
  "range inverted": permitted("ALLOW", {
    header: { name: "x-number", range_match: { end: 10 }, invert_match: true },
  }),
  camelCase: {
    rules: {
      action: "DENY",
      policies: {
        orRules: {
          permissions: [{ orRules: { rules: [{ urlPath: { path: { prefix: "/a" } } }] } }],
          principals: [{ directRemoteIp: { addressPrefix: "127.0.0.1", prefixLen: 32 } }],
        },
      },
    },
  },
  paths: permitted(
    "DENY",
    { url_path: { path: { contains: "dmi" } } },
    { url_path: { path: { safe_regex: { regex: "/a/[a-z]" } } } },
    { url_path: { path: { suffix: "/C", ignore_case: true } } },
  ),
  ports: permitted("ALLOW", { destination_port_range: { start: 1, end: 65536 } }),
  "no such port": permitted("ALLOW", { destination_port: 1 }),
  "a block without a length": permitted("DENY", { destination_ip: { address_prefix: "10.0.0.0" } }),
  "not and any": permitted("DENY", {
    and_rules: {
      rules: [
        { not_rule: header({}) },
        {
          or_rules: {
            rules: [{ url_path: { path: { exact: "/b" } } }, { url_path: { path: { exact: "/" } } }],
          },
        },
      ],
    },
  }),
  principals: {
    rules: {
      action: "DENY",
      policies: {
        tls: { permissions: ANY, principals: [{ authenticated: {} }] },
        state: {
          permissions: ANY,
          principals: [{ filter_state: { key: "none", string_match: { prefix: "a" } } }],
        },
        metadata: {
          permissions: [
            { metadata: { filter: "a", path: [{ key: "b" }], value: { present_match: true }, invert: true } },
          ],
          principals: [{ remote_ip: { address_prefix: "127.0.0.2", prefix_len: 32 } }],
        },
        path: {
          permissions: ANY,
          principals: [
            { and_ids: { ids: [{ url_path: { path: { exact: "/a" } } }, { not_id: header({}) }] } },
          ],
        },
        sni: {
          permissions: [{ requested_server_name: { exact: "" } }],
          principals: [header({ string_match: { exact: "guest" } })],
        },
      },
    },
  },
  "tried and enforced": {
    ...permitted("DENY", { url_path: { path: { exact: "/a" } } }),
    shadow_rules: (permitted("ALLOW") as { rules: Json }).rules,
    shadow_rules_stat_prefix: "try_",
  },
  tracked: {
    rules_stat_prefix: "own",
    shadow_rules_stat_prefix: "tried.",
    track_per_rule_stats: true,
    rules: {
      action: "DENY",
      policies: {
        posts: { permissions: [{ header: { name: ":method", exact_match: "POST" } }], principals: ANY },
        never: { permissions: [{ not_rule: { any: true } }], principals: ANY },
      },
    },
    shadow_rules: {
      policies: {
        gets: { permissions: [{ header: { name: ":method", exact_match: "GET" } }], principals: ANY },
      },
    },
  },
  "bytes sort ids": {
    rules: {
      action: "DENY",
      policies: {
        "\u{1F600}": { permissions: ANY, principals: [header({ present_match: false })] },
        "\uFFFD": { permissions: ANY, principals: ANY },
        é: { permissions: [{ url_path: { path: { exact: "/" } } }], principals: ANY },
      },
    },
  },
};

function native(config: Json): Json {
  return { name: "envoy.filters.http.rbac", typed_config: { "@type": TYPE, ...config } };
}

const CASES: Case[] = [
  ...Object.entries(WRITTEN).map(([name, config]) => ({
    name,
    ours: { rbac: config },
    native: [native(config)],
  })),
  ...fc
    .sample(fc.array(anySpec(), { minLength: 1, maxLength: 3 }), { seed, numRuns: GENERATED })
    .map((specs, i): Case => {
      const filters = rbacFilters(
        specs.map((spec, k) => ({ metadata: { name: `p${k}`, namespace: "shop" }, spec })),
      );
      return {
        name: `generated ${i}`,
        ours: { rbac: filters.map(({ typed_config }) => typed_config) },
        native: filters,
      };
    }),
];

const PROBES: Probe[] = [
  ...fc.sample(anyProbe, { seed: seed + 1, numRuns: 30 }),
  ...[
    "7",
    "-5",
    "-6",
    "10",
    "1000000",
    "+3",
    " 4",
    "4a",
    "",
    "99999999999999999999",
    "0x5",
    "0000000000000000007",
    "-000000000000000000005",
    "1000000000000000000",
  ].map((value): Probe => ({ headers: [["x-number", value]] })),
  {
    headers: [
      ["x-number", "50"],
      ["x-number", "5"],
    ],
  },
];

describe.skipIf(!inject("envoy"))(`authz reads Envoy's own RBAC (seed ${seed})`, () => {
  const subjects = new ThreeSubjects(CASES);
  beforeAll(() => subjects.start(), 120_000);
  afterAll(() => subjects.stop());

  test.concurrent.each(CASES.map(({ name }, at) => [name, at] as const))(
    "%s",
    async (_, at) => {
      await subjects.compare(at, PROBES);
    },
    60_000,
  );

  test("rules are counted one by one", async () => {
    const at = CASES.findIndex(({ name }) => name === "tracked");
    const { envoy, node } = subjects.proxies!;
    for (const name of [
      "own.allowed",
      "own.denied",
      "own.policy.posts.denied",
      "tried.shadow_allowed",
      "tried.shadow_denied",
      "tried.policy.gets.shadow_allowed",
    ]) {
      const expected = await envoy.stat(`http.native-${at}.rbac.${name}`);
      expect([name, expected > 0]).toEqual([name, true]);
      expect([name, await envoy.stat(`wasmcustom.rbac.${name}`)]).toEqual([name, expected]);
      expect([name, await node.stat(`wasmcustom.rbac.${name}`)]).toEqual([name, expected]);
    }
  });

  test("the traffic above was of both kinds", () => {
    console.log(
      `rbac: ${CASES.length} configurations, ${subjects.denied} denied and ${subjects.passed} passed`,
    );
    expect(subjects.denied).toBeGreaterThan(100);
    expect(subjects.passed).toBeGreaterThan(100);
  });
});
