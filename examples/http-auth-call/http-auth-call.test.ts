import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/http-auth-call", (engine) => {
  let upstream: RawUpstream;
  let auth: RawUpstream;
  let closed: ProxyUnderTest;
  let open: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    auth = await RawUpstream.start();
    const yaml = exampleYaml("http-auth-call", { 8080: upstream.port, 8081: auth.port });
    closed = await engine.start(yaml);
    open = await engine.start(yaml.replace(/( *)timeoutMs: 500/, "$1timeoutMs: 100\n$1failOpen: true"));
  });
  afterAll(() => Promise.all([upstream?.close(), auth?.close()]));
  beforeEach(() => {
    auth.handler = (_, reply) => reply.send({ headers: [["X-User", "alice"]] });
  });

  test("the service sees path and credentials, the app who it is", async () => {
    const [asked, served] = [auth.requests.length, upstream.requests.length];
    const response = await exchange(closed.port(), {
      path: "/orders?id=1",
      headers: [
        ["Authorization", "Bearer abc"],
        ["X-User", "root"],
      ],
    });
    expect(response.status).toBe(200);
    const question = await auth.request(asked);
    expect(question.path).toBe("/check");
    expect(question.header("authorization")).toBe("Bearer abc");
    expect(question.header("x-original-path")).toBe("/orders?id=1");
    expect((await upstream.request(served)).all("x-user")).toEqual(["alice"]);
  });

  test("what the service refuses never reaches the app", async () => {
    const served = upstream.requests.length;
    auth.handler = (_, reply) =>
      reply.send({ status: 401, headers: [["WWW-Authenticate", "Bearer"]], body: "who are you?" });
    const response = await exchange(closed.port());
    expect([response.status, response.text, response.header("www-authenticate")]).toEqual([
      401,
      "who are you?",
      "Bearer",
    ]);
    expect(upstream.requests.length).toBe(served);
  });

  test("no answer, a late one, a broken one: refused, or let through when the configuration says so", async () => {
    const faults: RawUpstream["handler"][] = [
      (_, reply) => reply.send({ status: 500 }),
      () => {}, // never answers
      (_, reply) => {
        reply.head(200, [["Content-Length", "10"]]);
        reply.abort();
      },
    ];
    for (const fault of faults) {
      auth.handler = fault;
      const [shut, passed] = await Promise.all([exchange(closed.port()), exchange(open.port())]);
      expect([shut.status, shut.text]).toEqual([503, "authorization is not available\n"]);
      expect(passed.status).toBe(200);
    }
  });

  test("a client that leaves meanwhile is no harm", async () => {
    const asked = auth.requests.length;
    const answered = new Promise<void>((resolve) => {
      auth.handler = async (_, reply) => {
        leaving.abort();
        reply.send({});
        resolve();
      };
    });
    const leaving = new AbortController();
    await fetch(`http://127.0.0.1:${closed.port()}/`, { signal: leaving.signal }).catch(() => {});
    await answered;
    await auth.request(asked);
    auth.handler = (_, reply) => reply.send({});
    expect((await exchange(closed.port())).status).toBe(200);
  });
});
