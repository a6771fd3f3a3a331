import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { exchange } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { operation } from "../support/any-policy";
import { moduleFile } from "../support/module-file";
import { ours } from "../support/three-subjects";

const dryRun = { "istio.io/dry-run": "true" };
const POLICIES = [
  {
    metadata: { name: "audit", namespace: "n" },
    spec: { action: "AUDIT", rules: [operation({ methods: ["POST"] })] },
  },
  {
    metadata: { name: "deny", namespace: "n", annotations: dryRun },
    spec: { action: "DENY", rules: [operation({ paths: ["/secret"] })] },
  },
  {
    metadata: { name: "allow", namespace: "n", annotations: dryRun },
    spec: { rules: [operation({ paths: ["/free"] })] },
  },
];

describeEngines("authz leaves for access logs", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const wasm = await moduleFile("test/filters/guests/marks");
    proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "l",
            filters: [
              build.wasmFilter({ name: "marks", wasm, rootId: "marks", vmId: "marks" }),
              ours({ policies: POLICIES }),
            ],
            routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
          }),
        ],
        clusters: [build.cluster("app", upstream.port)],
      }),
    );
  });
  afterAll(() => upstream?.close());

  test("what AUDIT and trials found", async () => {
    const marks = async (method: string, path: string) => {
      const { status, headers } = await exchange(proxy.port("l"), { method, path });
      return [
        status,
        ...headers
          .filter(([name]) => /^x-(access|istio)/.test(name))
          .map(([name, value]) => `${name.slice(2)}=${value}`),
      ];
    };
    expect(await marks("POST", "/secret")).toEqual([
      200,
      "access_log_hint=true",
      "istio_dry_run_deny_shadow_engine_result=denied",
      "istio_dry_run_deny_shadow_effective_policy_id=ns[n]-policy[deny]-rule[0]",
      "istio_dry_run_allow_shadow_engine_result=denied",
    ]);
    expect(await marks("GET", "/free")).toEqual([
      200,
      "access_log_hint=false",
      "istio_dry_run_deny_shadow_engine_result=allowed",
      "istio_dry_run_allow_shadow_engine_result=allowed",
      "istio_dry_run_allow_shadow_effective_policy_id=ns[n]-policy[allow]-rule[0]",
    ]);
  });
});
