import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/retry", (engine) => {
  let app: RawUpstream;
  let proxy: ProxyUnderTest;
  let failures: ("close" | number)[];

  beforeAll(async () => {
    app = await RawUpstream.start((request, reply) => {
      const failure = failures.shift();
      if (failure === "close") reply.socket.destroy();
      else reply.send({ status: failure ?? 200, body: request.header("x-envoy-attempt-count")! });
    });
    proxy = await engine.start(exampleYaml("retry", { 8080: app.port }));
  });
  beforeEach(() => {
    failures = [];
  });
  afterAll(() => app?.close());

  test("503, a closed connection, 200: the client sees 200", async () => {
    failures = [503, "close"];
    const response = await exchange(proxy.port("http"), { method: "POST", body: "text" });
    expect([response.status, response.text]).toEqual([200, "3"]);
    expect(await app.requests.at(-1)!.body()).toBe("text");
  });

  test("an app that always fails is asked four times", async () => {
    failures = [500, 500, 500, 500];
    const before = app.requests.length;
    const response = await exchange(proxy.port("http"));
    expect([response.status, response.text, app.requests.length - before]).toEqual([500, "4", 4]);
    expect(await proxy.stat("cluster.app.upstream_rq_retry_limit_exceeded")).toBe(1);
  });
});
