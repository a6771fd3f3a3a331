import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { RawClient } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/failover", (engine) => {
  const ill = new Set<string>();
  let hosts: RawUpstream[] = [];
  let proxy: ProxyUnderTest;
  let client: RawClient;

  beforeAll(async () => {
    hosts = await Promise.all(
      ["near 1", "near 2", "far 1", "far 2"].map((body) =>
        RawUpstream.start((_, reply) => reply.send(ill.has(body) ? { status: 503 } : { body })),
      ),
    );
    const [near1, near2, far1, far2] = hosts.map(({ port }) => port);
    const yaml = exampleYaml("failover", { 8080: near1!, 8081: near2!, 8082: far1!, 8083: far2! });
    // Sooner back than in earnest.
    proxy = await engine.start(
      yaml
        .replace("interval: 5s", "interval: 0.2s")
        .replace("base_ejection_time: 30s", "base_ejection_time: 1.5s"),
    );
    client = await RawClient.connect(proxy.port("http"));
  });
  afterAll(() => Promise.all(hosts.map((host) => host.close())));

  /** Whose answers the next requests get; "" = an error. */
  async function answers(count: number): Promise<string[]> {
    const found: string[] = [];
    for (let i = 0; i < count; i++) {
      const response = await client.exchange({});
      found.push(response.status === 200 ? response.text : "");
    }
    return found;
  }

  /** Whose answers twenty requests get, in the end. */
  const servers = () => expect.poll(async () => new Set(await answers(20)), { timeout: 10_000 });

  test("while those nearby are well they take everything", async () => {
    expect(new Set(await answers(20))).toEqual(new Set(["near 1", "near 2"]));
  });

  test("when they fail everything goes far, and comes back when they have recovered", async () => {
    ill.add("near 1").add("near 2");
    await servers().toEqual(new Set(["far 1", "far 2"]));
    ill.clear();
    await servers().toEqual(new Set(["near 1", "near 2"]));
  });

  test("a single one that fails takes nobody along: the others answer in its place", async () => {
    ill.add("near 1");
    expect((await answers(20)).includes("")).toBe(false);
    ill.clear();
  });
});
