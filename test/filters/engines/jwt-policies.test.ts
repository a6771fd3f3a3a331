import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { jwks, newKey, token } from "../support/jwt";
import { type JwtRule, jwtFilter } from "../support/native-jwt";
import { type AuthorizationPolicy, type PolicySpec, rbacFilters } from "../support/native-rbac";
import type { Probe } from "../support/subjects";
import { type Case, ThreeSubjects } from "../support/three-subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const ISSUER = "https://issuer.example";
const OTHER = "https://other.example/a";

const key = newKey("P-256", { kid: "1" });
const other = newKey("P-256", { kid: "2" });
const RULES: JwtRule[] = [
  { issuer: ISSUER, jwks: jwks(key), spaceDelimitedClaims: ["roles"] },
  { issuer: OTHER, jwks: jwks(other), fromHeaders: [{ name: "x-other" }], forwardOriginalToken: true },
];

const whens = (key: string, values?: string[], notValues?: string[]): PolicySpec => ({
  rules: [{ when: [{ key, ...(values && { values }), ...(notValues && { notValues }) }] }],
});
const sources = (field: string, ...values: string[]): PolicySpec => ({
  rules: [{ from: [{ source: { [field]: values } }] }],
});

const WRITTEN: Record<string, PolicySpec> = {
  somebody: sources("requestPrincipals", "*"),
  "nobody is denied": { ...sources("notRequestPrincipals", "*"), action: "DENY" },
  alice: sources("requestPrincipals", `${ISSUER}/alice`),
  "anyone of an issuer": sources("requestPrincipals", `${ISSUER}/*`),
  "a beginning": sources("requestPrincipals", `${ISSUER}/al*`),
  "issuers by their beginning": sources("requestPrincipals", "https://issuer*"),
  "an end": sources("requestPrincipals", "*ce"),
  "an end of the issuer": sources("requestPrincipals", "*.example/alice"),
  "an issuer with slashes": sources("requestPrincipals", `${OTHER}/bob`),
  "principal in when": whens("request.auth.principal", [`${ISSUER}/alice`], ["*bob"]),
  audiences: whens("request.auth.audiences", ["shop", "b*"]),
  "not audiences": whens("request.auth.audiences", undefined, ["shop"]),
  presenter: whens("request.auth.presenter", ["app", "*z"]),
  "a claim": whens("request.auth.claims[group]", ["admin", "g*"]),
  "any claim": whens("request.auth.claims[group]", ["*"]),
  "no claim": { ...whens("request.auth.claims[group]", undefined, ["*"]), action: "DENY" },
  "a claim in a claim": whens("request.auth.claims[a][b]", ["c", "*d"]),
  "a claim with a dot": whens("request.auth.claims[a.b]", ["c"]),
  "words of scope": whens("request.auth.claims[scope]", ["read"]),
  "words of permission": whens("request.auth.claims[permission]", ["p*"]),
  "words of roles": whens("request.auth.claims[roles]", ["admin"]),
  "no words": whens("request.auth.claims[words]", ["read write", "read"]),
  "a claim and a path": {
    rules: [
      {
        to: [{ operation: { paths: ["/p"] } }],
        when: [{ key: "request.auth.claims[group]", values: ["admin"] }],
      },
    ],
  },
};

const value = fc.constantFrom<unknown>(
  "admin",
  "guest",
  "",
  " ",
  "read write",
  " read  admin ",
  ["admin"],
  ["x", "guest"],
  [],
  ["", 1, null, ["admin"], "read write"],
  1,
  -1.5,
  true,
  null,
  {},
  { admin: "admin" },
  "caf\u00e9",
);
const claims = fc.record(
  {
    sub: fc.constantFrom("alice", "bob", "", "al", "alice/bob"),
    aud: fc.constantFrom<unknown>("shop", ["books", "x"], ["x"], [], "SHOP"),
    azp: fc.constantFrom<unknown>("app", "xyz", ["app"], 5),
    group: value,
    a: fc.oneof(value, fc.record({ b: fc.constantFrom<unknown>("c", "cd", ["d"], 1, { c: "c" }) })),
    "a.b": fc.constantFrom("c", "d"),
    scope: value,
    permission: value,
    roles: value,
    words: value,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const own = claims.map((more) => token(key, { iss: ISSUER, ...more }, { alg: "ES256", kid: "1" }));
const foreign = claims.map((more) => token(other, { iss: OTHER, ...more }, { alg: "ES256" }));
const request: fc.Arbitrary<Probe> = fc
  .tuple(
    fc.constantFrom("/p", "/q"),
    fc.option(own, { freq: 8 }),
    fc.option(own, { freq: 1 }),
    fc.option(foreign, { freq: 1 }),
  )
  .map(([path, bearer, parameter, header]) => ({
    path: parameter === null ? path : `${path}?access_token=${parameter}`,
    headers: [
      ...(bearer === null ? [] : [["Authorization", `Bearer ${bearer}`] as [string, string]]),
      ...(header === null ? [] : [["x-other", header] as [string, string]]),
    ],
  }));

function list(...values: string[]): fc.Arbitrary<string[]> {
  return fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
}

const texts = list("admin", "guest", "*", "ad*", "*min", "read", "caf\u00e9", "*t", "read write");
const condition = fc
  .record(
    {
      key: fc.constantFrom(
        ...["group", "a][b", "a", "scope", "roles", "words", "missing"].map(
          (name) => `request.auth.claims[${name}]`,
        ),
      ),
      values: texts,
      notValues: texts,
    },
    { requiredKeys: ["key"], noNullPrototype: true },
  )
  .filter((each) => Object.keys(each).length > 1);
const principals = list(
  "*",
  `${ISSUER}/*`,
  `${ISSUER}/alice`,
  "*ce",
  `${OTHER}/b*`,
  "*/bob",
  `${ISSUER}/`,
  "https*",
);
const generated = fc.record(
  {
    action: fc.constantFrom("ALLOW" as const, "DENY" as const),
    rules: fc.array(
      fc.record(
        {
          from: fc.array(
            fc
              .record(
                { requestPrincipals: principals, notRequestPrincipals: principals },
                { requiredKeys: [], noNullPrototype: true },
              )
              .filter((fields) => Object.keys(fields).length > 0)
              .map((fields) => ({ source: fields as Record<string, string[]> })),
            { minLength: 1, maxLength: 2 },
          ),
          when: fc.array(condition, { minLength: 1, maxLength: 2 }),
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 4 },
    ),
  },
  { noNullPrototype: true },
);

const CASES: Case[] = [
  ...Object.entries(WRITTEN).map(([name, spec]): [string, PolicySpec] => [name, spec]),
  ...fc
    .sample(generated, { seed, numRuns: 25 })
    .map((spec, i): [string, PolicySpec] => [`generated ${i}`, spec as PolicySpec]),
].map(([name, spec]) => {
  const policies: AuthorizationPolicy[] = [{ metadata: { name: "p", namespace: "shop" }, spec }];
  return { name, ours: { policies, jwtRules: RULES }, native: [jwtFilter(RULES), ...rbacFilters(policies)] };
});
const PROBES = fc.sample(request, { seed: seed + 1, numRuns: 60 });

describe.skipIf(!inject("envoy"))(
  `policies ask for tokens as behind Envoy's JWT filter (seed ${seed})`,
  () => {
    const subjects = new ThreeSubjects(CASES);
    beforeAll(() => subjects.start(), 120_000);
    afterAll(() => subjects.stop());

    test.concurrent.each(CASES.map(({ name }, at) => [name, at] as const))("%s", async (_, at) => {
      await subjects.compare(at, PROBES);
    });

    test("the traffic above was of both kinds", () => {
      console.log(
        `jwt policies: ${subjects.denied} denied and ${subjects.passed} passed requests, seed ${seed}`,
      );
      expect(subjects.denied).toBeGreaterThan(200);
      expect(subjects.passed).toBeGreaterThan(200);
    });
  },
);
