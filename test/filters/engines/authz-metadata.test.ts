import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawUpstream } from "../../support/raw-upstream";
import { anyProbe, anySpec, when } from "../support/any-policy";
import { moduleFile } from "../support/module-file";
import { type AuthorizationPolicy, type PolicySpec, rbacFilters } from "../support/native-rbac";
import { probe } from "../support/subjects";
import { detailed, ours } from "../support/three-subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

/** What filters in front have left: claims that Envoy's jwt_authn would have verified, and another's. */
const LEFT: Record<string, { payload: unknown; demo: unknown }> = {
  plain: {
    payload: { iss: "iss", sub: "sub", aud: "a", azp: "a", group: "admin", nested: { role: "guest" } },
    demo: { text: "a" },
  },
  lists: {
    payload: {
      iss: "https://iss/x",
      sub: "sub",
      aud: ["bc", "d"],
      azp: ["xz"],
      group: ["g1", 5, true],
      nested: { role: ["x"] },
    },
    demo: { text: ["a", "b"] },
  },
  "other kinds": {
    payload: { iss: "iss", sub: 5, aud: true, azp: { a: "b" }, group: 1.5, nested: { role: { a: "guest" } } },
    demo: { text: 7 },
  },
  empty: { payload: { iss: "", sub: "", aud: [], azp: "", group: "", nested: {} }, demo: { text: "" } },
  "look-alikes": {
    payload: { iss: "iss", sub: "ab", aud: "b1234567", azp: "a", group: "gabcdefg", nested: { role: "t" } },
    demo: { text: "[a]" },
  },
};

const WRITTEN: PolicySpec[] = [
  { rules: [when("request.auth.claims[group]", ["*"])] },
  { rules: [when("request.auth.claims[nested][role]", ["*"])] },
  { rules: [when("request.auth.principal", ["*"])] },
  { rules: [when("request.auth.presenter", ["*"])] },
  { rules: [when("experimental.envoy.filters.demo[text]", ["*"])] },
  { rules: [when("experimental.envoy.filters.demo[text]", ["[*]"])] },
];

const SPECS: PolicySpec[][] = [
  ...WRITTEN.map((spec) => [spec]),
  ...fc.sample(fc.array(anySpec({ tokens: true }), { minLength: 1, maxLength: 2 }), { seed, numRuns: 14 }),
];
const CASES = Object.entries(LEFT).flatMap(([name, left]) =>
  SPECS.map((specs, i) => ({
    name: `${name}, policies ${i}`,
    left,
    policies: specs.map(
      (spec, k): AuthorizationPolicy => ({ metadata: { name: `p${k}`, namespace: "shop" }, spec }),
    ),
  })),
);
const PROBES = fc.sample(anyProbe, { seed: seed + 1, numRuns: 8 });

function leaves({ payload, demo }: { payload: unknown; demo: unknown }): build.Json {
  return {
    name: "envoy.filters.http.set_metadata",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
      metadata: [
        { metadata_namespace: "envoy.filters.http.jwt_authn", value: { payload } },
        { metadata_namespace: "envoy.filters.demo", value: demo },
      ],
    },
  };
}

describe.skipIf(!inject("envoy"))(`authz reads what filters in front have verified (seed ${seed})`, () => {
  const engine = new EngineUnderTest("envoy");
  let envoy: ProxyUnderTest;
  let upstream: RawUpstream;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const details = await moduleFile("test/filters/guests/details");
    envoy = await engine.start(
      build.bootstrap({
        listeners: CASES.flatMap(({ left, policies }, i) => [
          detailed(`wasm-${i}`, [leaves(left), ours({ policies })], details),
          detailed(`native-${i}`, [leaves(left), ...rbacFilters(policies)], details),
        ]),
        clusters: [build.cluster("app", upstream.port)],
      }),
    );
  }, 120_000);
  afterAll(async () => {
    await engine.cleanUp();
    await upstream.close();
  });

  let passed = 0;
  test.concurrent.each(CASES.map(({ name }, at) => [name, at] as const))("%s", async (_, at) => {
    const native = await probe(envoy.port(`native-${at}`), PROBES);
    expect(await probe(envoy.port(`wasm-${at}`), PROBES)).toEqual(native);
    passed += native.filter(({ body }) => body === "ok").length;
  });

  test("the traffic above was of both kinds", () => {
    console.log(
      `metadata: ${CASES.length} configurations, ${passed} of ${CASES.length * PROBES.length} passed`,
    );
    expect(passed).toBeGreaterThan(50);
    expect(passed).toBeLessThan(CASES.length * PROBES.length - 50);
  });
});
