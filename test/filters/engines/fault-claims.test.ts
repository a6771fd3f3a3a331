import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { jwks, newKey, token } from "../support/jwt";
import { moduleFile } from "../support/module-file";
import { FAULT_FILTER, faultRoutes, type HttpEntry, type StringMatchSpec } from "../support/native-fault";
import { jwtFilter } from "../support/native-jwt";
import { type Probe, probe } from "../support/subjects";

const ISSUER = "https://issuer.example";
const key = newKey("P-256", { kid: "a" });
const now = Math.floor(Date.now() / 1000);
const sign = (claims: object) =>
  token(key, { iss: ISSUER, exp: now + 600, ...claims }, { alg: "ES256", kid: "a" });

/** One entry for each: its status says which one applied. */
const MATCHES: [claim: string, match: StringMatchSpec, without?: boolean][] = [
  ["@request.auth.claims[group][id]", { exact: "x" }],
  ["@request.auth.claims.group.name", { prefix: "y" }],
  ["@request.auth.claims[role]", { exact: "admin" }],
  ["@request.auth.claims.role", { regex: "g.*t" }],
  ["@request.auth.claims[role]", { prefix: "op" }],
  ["@request.auth.claims[scope]", { exact: "write" }],
  ["@request.auth.claims[quiet]", { exact: "yes" }, true],
];
const CLAIMS: object[] = [
  {},
  { role: "admin" },
  { role: "guest" },
  { role: "administrator" },
  { role: "operator" },
  { role: ["guest", "admin"] },
  { role: ["nobody", "operator"] },
  { role: [] },
  { role: ["nobody"] },
  { role: 5 },
  { role: true },
  { role: null },
  { role: { admin: "admin" } },
  { role: ["nobody", 5, { a: "admin" }] },
  { group: { id: "x" } },
  { group: { id: ["x"] } },
  { group: { id: "z", name: "yy" } },
  { group: "x" },
  { scope: "read write" },
  { scope: "write" },
  { quiet: "yes" },
  { quiet: ["no", "yes"] },
  { quiet: "yes", role: "admin" },
];

/** What Istio's control plane makes of a condition on a claim. */
function metadataMatch([claim, match, without]: (typeof MATCHES)[number]): build.Json {
  const names = claim.includes("[") ? claim.slice(21, -1).split("][") : claim.slice(21).split(".");
  const string_match = match.regex === undefined ? { ...match } : { safe_regex: { regex: match.regex } };
  return {
    filter: "envoy.filters.http.jwt_authn",
    path: ["payload", ...names].map((name) => ({ key: name })),
    value: {
      or_match: { value_matchers: [{ string_match }, { list_match: { one_of: { string_match } } }] },
    },
    invert: without ?? false,
  };
}

describe.skipIf(!inject("envoy"))("fault: claims of a token that Envoy has verified", () => {
  const engine = new EngineUnderTest("envoy");
  let wasm: string;
  beforeAll(async () => {
    wasm = await moduleFile("filters/fault");
  });
  afterAll(() => engine.cleanUp());

  test("choose as Istio's routes do", async () => {
    const upstream = await RawUpstream.start();
    const entries = MATCHES.map(
      ([claim, match, without], i): HttpEntry => ({
        match: [{ [without ? "withoutHeaders" : "headers"]: { [claim]: match } }],
        fault: { abort: { percentage: { value: 100 }, httpStatus: 410 + i } },
      }),
    );
    const authn = jwtFilter([{ issuer: ISSUER, jwks: jwks(key) }]);
    const [provider] = Object.values(
      (authn.typed_config as { providers: Record<string, build.Json> }).providers,
    );
    provider!.clear_route_cache = true;
    const ours = build.wasmFilter({
      name: "fault",
      wasm,
      rootId: "fault",
      vmId: "fault",
      configuration: JSON.stringify({ http: entries }),
    });
    const native = faultRoutes(
      entries.map(({ fault }) => ({ fault: fault! })),
      "app",
    ).map((route, i) => {
      const match = MATCHES[i];
      return match ? { ...route, match: { prefix: "/", dynamic_metadata: [metadataMatch(match)] } } : route;
    });
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "ours",
            filters: [authn, ours],
            routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
          }),
          build.httpListener({ name: "native", filters: [authn, FAULT_FILTER], routes: native }),
        ],
        clusters: [build.cluster("app", upstream.port)],
      }),
    );
    const probes: Probe[] = [
      {},
      ...CLAIMS.map((claims): Probe => ({ headers: [["authorization", `Bearer ${sign(claims)}`]] })),
    ];
    const expected = await probe(proxy.port("native"), probes);
    const seen = await probe(proxy.port("ours"), probes);
    for (const [i, request] of probes.entries())
      expect({ claims: CLAIMS[i - 1], request, seen: seen[i] }).toEqual({
        claims: CLAIMS[i - 1],
        request,
        seen: expected[i],
      });
    expect(new Set(expected.map(({ status }) => status)).size).toBe(MATCHES.length + 1);
    await upstream.close();
  });
});
