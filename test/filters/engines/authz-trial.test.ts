import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { anyProbe, operation, when } from "../support/any-policy";
import { type AuthorizationPolicy, type PolicySpec, rbacFilters } from "../support/native-rbac";
import type { Probe } from "../support/subjects";
import { type Case, ThreeSubjects } from "../support/three-subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

function policy(name: string, spec: PolicySpec, tried = true): AuthorizationPolicy {
  return {
    metadata: { name, namespace: "shop", ...(tried && { annotations: { "istio.io/dry-run": "true" } }) },
    spec,
  };
}

const DENY: PolicySpec = {
  action: "DENY",
  rules: [operation({ methods: ["POST", "PUT"] }), when("request.headers[x-role]", ["guest"])],
};
const ALLOW: PolicySpec = { rules: [operation({ paths: ["/a*"] })] };
const AUDIT: PolicySpec = { action: "AUDIT", rules: [operation({ methods: ["DELETE"] })] };

/** Only tried, alone: an ALLOW on trial does not make others denied. */
const TRIED = [policy("deny", DENY), policy("allow", ALLOW)];
const MIXED = [
  policy("deny", DENY),
  policy("allow", ALLOW),
  policy("also", { action: "DENY", rules: [operation({ paths: ["/b*"] })] }, false),
  policy("all", { rules: [operation({ methods: ["GET", "DELETE", "POST"] })] }, false),
  policy("audit", AUDIT, false),
  policy("tried audit", AUDIT),
];

const CASES: Case[] = [
  ["all on trial", TRIED],
  ["some on trial", MIXED],
].map(([name, policies]) => ({
  name: name as string,
  ours: { policies },
  native: rbacFilters(policies as AuthorizationPolicy[]),
}));

const PROBES: Probe[] = fc.sample(anyProbe, { seed, numRuns: 60 });

const COUNTERS = [
  "allowed",
  "denied",
  "istio_dry_run_allow_.shadow_allowed",
  "istio_dry_run_allow_.shadow_denied",
  "istio_dry_run_deny_.shadow_allowed",
  "istio_dry_run_deny_.shadow_denied",
];

describe.skipIf(!inject("envoy"))(`authz tries policies as Envoy's shadow rules (seed ${seed})`, () => {
  const subjects = new ThreeSubjects(CASES);
  beforeAll(() => subjects.start(), 60_000);
  afterAll(() => subjects.stop());

  test("nothing that is tried is enforced, all of it is counted", async () => {
    const { node, envoy } = subjects.proxies!;
    const counts = async (): Promise<number[][]> => {
      const native = await Promise.all(
        COUNTERS.map(async (name) => {
          const each = CASES.map((_, i) => envoy.stat(`http.native-${i}.rbac.${name}`));
          return (await Promise.all(each)).reduce((sum, value) => sum + value, 0);
        }),
      );
      const ours = [envoy, node].map((proxy) =>
        Promise.all(COUNTERS.map((name) => proxy.stat(`wasmcustom.rbac.${name}`))),
      );
      return [native, ...(await Promise.all(ours))];
    };
    await subjects.compare(0, PROBES);
    expect(subjects.denied).toBe(0);
    const [native, wasm, inNode] = await counts();
    expect(native!.slice(0, 2)).toEqual([0, 0]);
    expect(Math.min(...native!.slice(2))).toBeGreaterThan(0);
    expect({ wasm, inNode }).toEqual({ wasm: native, inNode: native });

    await subjects.compare(1, PROBES);
    expect(subjects.denied).toBeGreaterThan(5);
    const [after, wasmAfter, nodeAfter] = await counts();
    expect(Math.min(...after!)).toBeGreaterThan(0);
    expect({ wasmAfter, nodeAfter }).toEqual({ wasmAfter: after, nodeAfter: after });
  });
});
