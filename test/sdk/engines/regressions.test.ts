import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { exchange, type RawRequest } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { buildGuest } from "../support/build-guest";

/** What other AssemblyScript SDKs get wrong, each under its name. */

let wasm: string;
beforeAll(async () => {
  wasm = await buildGuest("regressions");
});

interface Plugin {
  name: string;
  rootId: string;
  configuration?: string;
}

const ALONE = ["metric", "property", "header", "body", "timeout", "line", "done"];
const PLUGINS: readonly Plugin[] = [
  ...ALONE.map((name) => ({ name, rootId: name })),
  { name: "config-a", rootId: "config", configuration: "a" },
  { name: "config-b", rootId: "config", configuration: "b" },
  { name: "config-nul", rootId: "config", configuration: "n\0ul" },
];

/** All in one VM. */
function bootstrap(plugins: readonly Plugin[], upstream: number): build.Json {
  return build.bootstrap({
    listeners: plugins.map(({ name, ...plugin }) =>
      build.httpListener({
        name,
        filters: [build.wasmFilter({ name, wasm, vmId: "regressions", ...plugin })],
        routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }],
      }),
    ),
    clusters: [build.cluster("upstream", upstream)],
  });
}

describeEngines("SDK regressions", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  const ask = (listener: string, request: RawRequest = {}) => exchange(proxy.port(listener), request);

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    proxy = await engine.start(bootstrap(PLUGINS, upstream.port));
  });
  afterAll(() => upstream?.close());

  test("shared-VM config mix-up", async () => {
    const texts = await Promise.all(
      ["config-a", "config-b", "config-a", "config-nul"].map(async (name) => (await ask(name)).text),
    );
    expect(texts).toEqual(["61", "62", "61", "6e 0 75 6c"]);
  });

  test("metric read-back", async () => {
    expect((await ask("metric")).text).toBe("3 7 3 7");
    expect((await ask("metric")).text).toBe("6 7 6 7");
    expect(await proxy.admin("/stats?filter=regression_")).toContain("wasmcustom.regression_counter: 6");
  });

  test("missing property", async () => {
    expect((await ask("property")).text).toBe("true true true 0");
  });

  test("non-UTF-8 header", async () => {
    const value = "a\xff\xfe\xc3\xa9\xe2\x82z";
    const index = upstream.requests.length;
    await ask("header", { headers: [["X-Binary", value]] });
    const { headers } = await upstream.request(index);
    expect(headers).toContainEqual(["x-text", value]);
    expect(headers).toContainEqual(["x-bytes", value]);
  });

  test("binary body", async () => {
    const body = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255));
    const index = upstream.requests.length;
    await ask("body", { method: "POST", chunked: [body.subarray(0, 200), body.subarray(200)] });
    const message = await (await upstream.request(index)).message;
    expect(message.body).toEqual(Buffer.from(body.toReversed()));
  });

  test("timeout 0", async () => {
    upstream.handler = async (request, reply) => {
      await request.message;
      await delay(50);
      reply.send({ body: "in the end" });
    };
    expect((await ask("timeout")).text).toBe("200 in the end");
  });

  test("CR/LF in a header value refused by the SDK", async () => {
    const response = await ask("line");
    expect([response.status, response.text]).toEqual([200, "2 2 2 2 2 2"]);
    expect(response.headers.map(([name]) => name)).not.toContain("x-injected");
    expect(response.header("x-evil")).toBeUndefined();
  });

  test("root `done`", async () => {
    expect((await ask("done")).text).toBe("1");
    await proxy.running.stop(0);
    const said = proxy.log.lines.filter(({ message }) => / root done: \d$/.test(message));
    expect(said.length).toBeGreaterThan(0);
    expect(said.every(({ message }) => message.endsWith(": root done: 1"))).toBe(true);
  });
});

describeEngines("SDK regressions at start", (engine) => {
  test("throwing `configure`", async () => {
    const plugin = { name: "throw", rootId: "throw", configuration: "this" };
    await expect(engine.start(bootstrap([plugin], 9))).rejects.toThrow();
    const critical = engine.lastLog.lines.find(({ level }) => level === "critical");
    expect(critical?.message).toMatch(
      /: abort: cannot read this at test\/sdk\/guests\/regressions\.ts:\d+:\d+/,
    );
  });

  test("NUL in config", async () => {
    const proxy = await engine.start(
      bootstrap([{ name: "nul", rootId: "config", configuration: "\0a\0" }], 9),
    );
    expect((await exchange(proxy.port())).text).toBe("0 61 0");
  });

  test("gRPC arity and export names", async () => {
    const grpc = build.wasmFilter({ name: "grpc", wasm: await buildGuest("grpc-imports") });
    const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
    const listeners = [build.httpListener({ name: "grpc", filters: [grpc], routes })];
    const proxy = await engine.start(build.bootstrap({ listeners, clusters: [] }));
    expect((await exchange(proxy.port())).text).toBe("4 4 1 1 1");
  });
});
