import { readFileSync, renameSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LogUnderTest } from "../../test/support/access-logs";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

describeEngines("examples/access-logs", (engine) => {
  let app: RawUpstream;
  let proxy: ProxyUnderTest;
  const log = new LogUnderTest();

  beforeAll(async () => {
    app = await RawUpstream.start((request, reply) => {
      if (request.path === "/cut") reply.abort();
      else reply.send({ body: "hello" });
    });
    const yaml = exampleYaml("access-logs", { 8080: app.port }).replace("/tmp/access.log", log.path);
    proxy = await engine.start(yaml, { logFlushMs: 20 });
  });
  afterAll(() => app?.close());

  test("a request is one line of JSON, and its id is in the response", async () => {
    const response = await exchange(proxy.port("http"), {
      path: "/hello?token=secret",
      headers: [["user-agent", "test"]],
    });
    const [line] = await log.entries(1);
    expect(line).toEqual({
      authority: "test.example",
      bytes: { received: 0, sent: 5 },
      client: "127.0.0.1",
      details: "via_upstream",
      duration_ms: expect.any(Number),
      flags: "-",
      method: "GET",
      path: "/hello",
      protocol: "HTTP/1.1",
      request_id: response.header("x-request-id"),
      status: 200,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      upstream: { attempts: 1, cluster: "app", failure: null, host: `127.0.0.1:${app.port}` },
      user_agent: "test",
    });
  });

  test("after a rotation lines go to the new file", async () => {
    renameSync(log.path, `${log.path}.1`);
    await proxy.admin("/reopen_logs", "POST");
    await exchange(proxy.port("http"), { path: "/cut" });
    const [line] = await log.entries(1);
    expect([line!.path, line!.status, line!.flags]).toEqual(["/cut", 503, "UC"]);
  });
});

test("Fluentd is told how times are written", () => {
  const conf = readFileSync(new URL("fluentd.conf", import.meta.url), "utf8");
  // The parts of a Ruby strptime that a line's time has.
  const pattern = /time_format (\S+)/
    .exec(conf)![1]!
    .replace("%Y", "\\d{4}")
    .replace(/%[mdHMS]/g, "\\d\\d")
    .replace("%L", "\\d{3}")
    .replace("%z", "Z");
  expect("2026-01-02T03:04:05.678Z").toMatch(new RegExp(`^${pattern}$`));
});
