import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange, type RawResponse } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/circuit-breaker", (engine) => {
  let app: RawUpstream;
  let proxy: ProxyUnderTest;
  /** Answers that are held back. */
  let held: (() => void)[] | undefined;

  beforeAll(async () => {
    app = await RawUpstream.start((_, reply) => {
      const answer = () => reply.send({});
      if (held) held.push(answer);
      else answer();
    });
    proxy = await engine.start(exampleYaml("circuit-breaker", { 8080: app.port }));
  });
  afterAll(() => app?.close());

  test("of forty requests at once some pass, the others are refused at once", async () => {
    held = [];
    const refused: RawResponse[] = [];
    const responses = Array.from({ length: 40 }, async () => {
      const response = await exchange(proxy.port("http"));
      if (held) refused.push(response);
      return response;
    });
    // Whoever is refused does not wait for the app.
    await expect.poll(() => refused.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(20);
    for (const response of refused)
      expect([response.status, response.header("x-envoy-overloaded")]).toEqual([503, "true"]);
    const answering = setInterval(() => {
      for (const answer of held!.splice(0)) answer();
    }, 5);
    const statuses = (await Promise.all(responses)).map(({ status }) => status);
    clearInterval(answering);
    held = undefined;
    const passed = statuses.filter((status) => status === 200).length;
    expect(passed).toBeGreaterThanOrEqual(10);
    expect(passed).toBeLessThanOrEqual(20);
    expect(await proxy.stat("cluster.app.upstream_rq_pending_overflow")).toBe(40 - passed);
  });

  test("two requests to a connection", async () => {
    const before = app.requests.length;
    for (let i = 0; i < 6; i++) expect((await exchange(proxy.port("http"))).status).toBe(200);
    const perConnection = new Map<number, number>();
    for (const { connection } of app.requests.slice(before))
      perConnection.set(connection, (perConnection.get(connection) ?? 0) + 1);
    expect(Math.max(...perConnection.values())).toBeLessThanOrEqual(2);
  });
});
