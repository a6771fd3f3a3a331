import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { GrpcServer, type Unary } from "../../test/support/grpc-server";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

/** Fields 1, 2, ... of a protobuf message, all text shorter than 128 bytes. */
function message(...texts: string[]): Buffer {
  const fields = texts.map((text, at) =>
    Buffer.from([((at + 1) << 3) | 2, text.length, ...Buffer.from(text)]),
  );
  return Buffer.concat(fields);
}

describeEngines("examples/grpc-call", (engine) => {
  const alice: Unary = (_, done) => done(null, message("alice"));
  const access = { Check: alice };
  let upstream: RawUpstream;
  let server: GrpcServer;
  let closed: ProxyUnderTest;
  let open: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    server = await GrpcServer.start("example.Access", { unary: access });
    const yaml = exampleYaml("grpc-call", { 8080: upstream.port, 9090: server.port });
    closed = await engine.start(yaml.replace("timeoutMs: 200", "timeoutMs: 2000"));
    open = await engine.start(yaml.replace(/( *)timeoutMs: 200/, "$1timeoutMs: 100\n$1failOpen: true"));
  });
  afterAll(() => {
    server?.close();
    return upstream?.close();
  });
  beforeEach(() => {
    access.Check = alice;
  });

  test("the service is asked with method, path and credentials; the app sees who it is", async () => {
    let question: Buffer | undefined;
    access.Check = (call, done) => {
      question = call.request;
      done(null, message("alice"));
    };
    const served = upstream.requests.length;
    const response = await exchange(closed.port(), {
      path: "/orders?id=1",
      headers: [
        ["Authorization", "Bearer abc"],
        ["X-User", "root"],
      ],
    });
    expect(response.status).toBe(200);
    expect(question).toEqual(message("GET", "/orders?id=1", "Bearer abc"));
    expect((await upstream.request(served)).all("x-user")).toEqual(["alice"]);
  });

  test.each([
    [status.PERMISSION_DENIED, 403, "not allowed\n"],
    [status.UNAUTHENTICATED, 401, "who are you?\n"],
    [status.INTERNAL, 503, "access cannot be checked\n"],
  ])("status %i: %i", async (code, http, text) => {
    access.Check = (_, done) => done({ code, details: "no" });
    const served = upstream.requests.length;
    const response = await exchange(closed.port());
    expect([response.status, response.text]).toEqual([http, text]);
    expect(upstream.requests.length).toBe(served);
  });

  test("a reply that is no message: refused, or let through when the configuration says so", async () => {
    access.Check = (_, done) => done(null, Buffer.from([0x0a, 0x7f]));
    const [shut, passed] = await Promise.all([exchange(closed.port()), exchange(open.port())]);
    expect([shut.status, passed.status]).toEqual([503, 200]);
  });

  test("no answer in time, with failOpen: the request goes on", async () => {
    access.Check = () => {};
    expect((await exchange(open.port())).status).toBe(200);
  });
});
