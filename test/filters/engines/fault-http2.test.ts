import type { ServerHttp2Stream } from "node:http2";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { H2Client, type H2Response } from "../../support/h2-client";
import { Http2Upstream } from "../../support/http2-upstream";
import { moduleFile } from "../support/module-file";

const always = { percentage: { value: 100 } };
const LONG = Buffer.alloc(30_720, "ghijklmnop");
const SHORT = LONG.subarray(0, 3000);
const under = (name: string, fault: object) => ({ match: [{ uri: { prefix: `/${name}` } }], fault });

/** What the app answers, by the end of the path. HTTP/2 ends a response with its last frame, or with trailers. */
const REPLIES: Record<string, (stream: ServerHttp2Stream) => void> = {
  long(stream) {
    stream.respond({ ":status": 200, "content-length": LONG.length });
    stream.end(LONG);
  },
  short(stream) {
    stream.respond({ ":status": 200, "content-length": SHORT.length });
    stream.end(SHORT);
  },
  grpc(stream) {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(SHORT);
  },
};

/** Bodies under faults where frames, trailers and the end come otherwise than in HTTP/1.1. */
describeEngines("fault: responses over HTTP/2", (engine) => {
  let upstream: Http2Upstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    const wasm = await moduleFile("filters/fault");
    upstream = await Http2Upstream.start((request) =>
      REPLIES[request.header(":path")!.split("/").at(-1)!]!(request.stream),
    );
    const http = [
      under("rate", { responseRateLimit: { ...always, limitKbps: 5 } }),
      under("stall", { stall: { ...always, afterBytes: 1000, duration: "0.4s" } }),
      under("cut", { truncate: { ...always, afterBytes: 1000 } }),
      under("reset", { truncate: { ...always, afterBytes: 1000, reset: true } }),
    ];
    const filter = build.wasmFilter({
      name: "fault",
      wasm,
      rootId: "fault",
      vmId: "fault",
      configuration: JSON.stringify({ http }),
    });
    const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
    proxy = await engine.start(
      build.bootstrap({
        listeners: [build.httpListener({ name: "h2", filters: [filter], routes })],
        clusters: [build.cluster("app", upstream.port, build.CLUSTER_HTTP2)],
      }),
    );
  });
  afterAll(() => upstream.close());

  async function ask(path: string): Promise<H2Response & { ms: number }> {
    const client = await H2Client.connect(proxy.port());
    const start = performance.now();
    const response = await client.request({ path });
    client.close();
    return { ...response, ms: performance.now() - start };
  }

  test.concurrent.each([
    ["/rate/short", SHORT, 536],
    ["/rate/grpc", SHORT, 536],
    ["/stall/long", LONG, 400],
    ["/stall/short", SHORT, 400],
    ["/stall/grpc", SHORT, 400],
  ])("%s is whole, and late", async (path, body, ms) => {
    const seen = await ask(path);
    expect(seen.body.equals(body)).toBe(true);
    expect([seen.reset, seen.trailers.length]).toEqual([undefined, path.endsWith("grpc") ? 1 : 0]);
    expect(seen.ms).toBeGreaterThan(ms - 10);
    expect(seen.ms).toBeLessThan(ms + 2500);
  });

  test.concurrent.each(["long", "short", "grpc"])("/cut/%s ends in order, too early", async (reply) => {
    const seen = await ask(`/cut/${reply}`);
    expect(seen.body.equals(LONG.subarray(0, 1000))).toBe(true);
    expect([seen.reset, seen.header("content-length")]).toEqual([undefined, undefined]);
    expect(seen.trailers.length).toBe(reply === "grpc" ? 1 : 0);
  });

  test.concurrent.each([
    ["long", 1000],
    ["grpc", 1000],
    // Its only frame is its last: what it lets through would end the response.
    ["short", 0],
  ])("/reset/%s breaks off after %d bytes", async (reply, bytes) => {
    const seen = await ask(`/reset/${reply}`);
    expect(seen.reset).not.toBe(undefined);
    expect([seen.status, seen.body.length]).toEqual([200, bytes]);
  });

  test("nothing is left", async () => {
    await expect.poll(() => proxy.stat("wasmcustom.wasm_fault_active_faults"), { timeout: 5000 }).toBe(0);
  });
});
