import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/headers", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    proxy = await engine.start(exampleYaml("headers", { 8080: upstream.port }));
  });
  afterAll(() => upstream?.close());

  test("inner headers of the client are dropped, a missing tenant is filled in", async () => {
    const index = upstream.requests.length;
    const response = await exchange(proxy.port(), {
      headers: [
        ["X-Internal-User", "root"],
        ["X-Keep", "\xff1"],
        ["X-Keep", "2"],
        ["X-Forwarded-For", "10.0.0.1, 10.0.0.2"],
      ],
    });
    const request = await upstream.request(index);
    expect(request.header("x-internal-user")).toBeUndefined();
    expect(request.all("x-keep")).toEqual(["\xff1", "2"]);
    expect(request.header("x-tenant")).toBe("public");
    expect(response.header("x-hops")).toBe("2");
  });

  test("an empty tenant is one", async () => {
    const index = upstream.requests.length;
    await exchange(proxy.port(), { headers: [["X-Tenant", ""]] });
    expect((await upstream.request(index)).all("x-tenant")).toEqual([""]);
  });

  test("responses lose inner headers, and every cookie is hardened on its own", async () => {
    upstream.handler = (_, reply) =>
      reply.send({
        headers: [
          ["Server", "app/1.2.3"],
          ["X-Internal-Trace", "1"],
          ["Set-Cookie", "a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT"],
          ["Set-Cookie", "b=2"],
        ],
      });
    const response = await exchange(proxy.port());
    expect(response.header("x-internal-trace")).toBeUndefined();
    expect(response.all("set-cookie")).toEqual([
      "a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT; HttpOnly",
      "b=2; HttpOnly",
    ]);
    expect(response.header("x-content-type-options")).toBe("nosniff");
    expect(response.header("x-hops")).toBe("0");
  });
});
