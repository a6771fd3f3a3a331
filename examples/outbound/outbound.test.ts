import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/outbound", (engine) => {
  let orders: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    orders = await RawUpstream.start();
    proxy = await engine.start(exampleYaml("outbound", { 8080: orders.port }));
  });
  afterAll(() => orders?.close());

  const ask = (host: string) => exchange(proxy.port("outbound"), { host });

  test("a service of the mesh is reached, by its name with and without a port", async () => {
    for (const host of ["orders.shop", "orders.shop:8080"]) expect((await ask(host)).text).toBe("ok");
  });

  test("any other name is 502, and nothing leaves", async () => {
    const before = orders.requests.length;
    for (const host of ["example.com", "orders.shop.example.com", "127.0.0.1:8080", "xorders.shop"]) {
      const response = await ask(host);
      expect([response.status, response.text]).toEqual([502, ""]);
    }
    expect(orders.requests.length).toBe(before);
  });

  test("other bytes go nowhere: the connection is closed", async () => {
    const socket = connect(proxy.port("outbound-tcp"), "127.0.0.1");
    const received: Buffer[] = [];
    socket.on("data", (chunk) => received.push(chunk)).on("error", () => {});
    await new Promise((resolve) => socket.on("close", resolve));
    expect(Buffer.concat(received).length).toBe(0);
    expect(await proxy.stat("cluster.BlackHoleCluster.upstream_cx_none_healthy")).toBe(1);
  });
});
