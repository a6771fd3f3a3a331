import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/rate-limit", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    // One window for the whole test.
    const yaml = exampleYaml("rate-limit", { 8080: upstream.port }).replace("window: 1m", "window: 500000h");
    proxy = await engine.start(yaml);
  });
  afterAll(() => upstream?.close());

  const ask = (key?: string) =>
    exchange(proxy.port(), key === undefined ? {} : { headers: [["X-Api-Key", key]] });

  test("three requests of a key pass, the fourth is refused", async () => {
    for (const left of ["2", "1", "0"]) {
      const response = await ask("a");
      expect([response.status, response.header("x-ratelimit-remaining")]).toEqual([200, left]);
    }
    const served = upstream.requests.length;
    const response = await ask("a");
    expect([response.status, response.text]).toEqual([429, "too many requests\n"]);
    expect(Number(response.header("retry-after"))).toBeGreaterThan(0);
    expect(response.header("x-ratelimit-remaining")).toBeUndefined();
    expect(upstream.requests.length).toBe(served);
  });

  test("another key, and clients without one, have counts of their own", async () => {
    expect((await ask("b")).header("x-ratelimit-remaining")).toBe("2");
    expect((await ask()).header("x-ratelimit-remaining")).toBe("2");
    expect((await ask()).header("x-ratelimit-remaining")).toBe("1");
  });

  test("a configuration without sense is refused with its reason", async () => {
    const yaml = exampleYaml("rate-limit", { 8080: upstream.port });
    const said = () => engine.lastLog.lines.map(({ message }) => message).join("\n");
    await expect(engine.start(yaml.replace("limit: 3", "limit: 0"))).rejects.toThrow();
    expect(said()).toContain("limit: expected a whole number from 1 to 1000000");
    await expect(engine.start(yaml.replace("window: 1m", "window: 10ms"))).rejects.toThrow();
    expect(said()).toContain("window: expected a duration of at least 1s");
  });
});
