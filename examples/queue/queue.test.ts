import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/queue", (engine) => {
  let upstream: RawUpstream;
  let collector: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    collector = await RawUpstream.start();
    proxy = await engine.start(exampleYaml("queue", { 8080: upstream.port, 8081: collector.port }));
  });
  afterAll(() => Promise.all([upstream?.close(), collector?.close()]));

  test("a line for each request reaches the collector, through the other plugin", async () => {
    const paths = ["/a", "/b?c", "/d"];
    for (const path of paths) expect((await exchange(proxy.port("http"), { path })).status).toBe(200);
    const lines = await Promise.all(
      paths.map(async (_, index) => {
        const request = await collector.request(index);
        return `${request.method} ${request.path}: ${await request.body()}`;
      }),
    );
    expect(lines.toSorted()).toEqual(paths.map((path) => `POST /lines: GET ${path} 200`));
  });
});
