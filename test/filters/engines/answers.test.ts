import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { exchange } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";

const role = (name: string, action: string, value: string) => ({
  metadata: { name, namespace: "default" },
  spec: { action, rules: [{ when: [{ key: "request.headers[x-role]", values: [value] }] }] },
});
const AUTHZ = { policies: [role("guests", "DENY", "guest"), role("admins", "ALLOW", "admin")] };

describeEngines("Filters: authz", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const configuration = JSON.stringify(AUTHZ);
    const wasm = "build/filters/authz.wasm";
    const filter = build.wasmFilter({ name: "authz", rootId: "authz", vmId: "authz", wasm, configuration });
    const routes = [{ match: { prefix: "/" }, route: { cluster: "upstream" } }];
    proxy = await engine.start(
      build.bootstrap({
        listeners: [build.httpListener({ name: "authz", filters: [filter], routes })],
        clusters: [build.cluster("upstream", upstream.port)],
      }),
    );
  });
  afterAll(() => upstream?.close());

  test.each([
    [["admin"], 200],
    [[], 403],
    [["guest", "admin"], 403],
    [["admin,guest"], 403],
    [["user", "admin"], 200],
  ] as [string[], number][])("roles %j get %i", async (roles, status) => {
    const headers = roles.map((value): [string, string] => ["x-role", value]);
    const response = await exchange(proxy.port("authz"), { headers });
    expect(response.status).toBe(status);
    if (status === 403) expect(response.text).toBe("RBAC: access denied");
  });
});
