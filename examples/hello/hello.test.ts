import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

const yaml = readFileSync(new URL("envoy.yaml", import.meta.url), "utf8");

describeEngines("examples/hello", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const ports: Record<string, string> = { 15000: "0", 15001: "0", 8080: String(upstream.port) };
    proxy = await engine.start(yaml.replace(/(?<=port_value: )\d+/g, (port) => ports[port]!));
  });
  afterAll(() => upstream?.close());

  test("adds the length of user-agent to the request and x-hello to the response", async () => {
    const index = upstream.requests.length;
    const response = await exchange(proxy.port(), { headers: [["User-Agent", "twelve chars"]] });
    expect(response.status).toBe(200);
    expect(response.header("x-hello")).toBe("world");
    expect((await upstream.request(index)).headers).toContainEqual(["x-ua-len", "12"]);
  });

  test("a request without user-agent has length 0", async () => {
    const index = upstream.requests.length;
    await exchange(proxy.port());
    expect((await upstream.request(index)).headers).toContainEqual(["x-ua-len", "0"]);
  });
});
