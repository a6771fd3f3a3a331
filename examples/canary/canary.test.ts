import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { RawClient } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/canary", (engine) => {
  let versions: RawUpstream[] = [];
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    versions = await Promise.all(
      ["v1", "v2"].map((body) => RawUpstream.start((_, reply) => reply.send({ body }))),
    );
    const [v1, v2] = versions;
    proxy = await engine.start(exampleYaml("canary", { 8080: v1!.port, 8081: v2!.port }));
  });
  afterAll(() => Promise.all(versions.map((version) => version.close())));

  test("the header always leads to the new version", async () => {
    const client = await RawClient.connect(proxy.port("http"));
    for (let i = 0; i < 10; i++) {
      const response = await client.exchange({ headers: [["canary", "true"]] });
      expect([response.text, response.header("x-canary")]).toEqual(["v2", undefined]);
    }
  });

  test("without it one request in ten does", async () => {
    const client = await RawClient.connect(proxy.port("http"));
    let canaries = 0;
    for (let i = 0; i < 500; i++) {
      const response = await client.exchange({ headers: [["canary", "no"]] });
      expect(response.header("x-canary")).toBe(response.text === "v2" ? "true" : undefined);
      if (response.text === "v2") canaries++;
    }
    // Fifty, give or take six standard deviations.
    expect(canaries).toBeGreaterThan(10);
    expect(canaries).toBeLessThan(90);
  });
});
