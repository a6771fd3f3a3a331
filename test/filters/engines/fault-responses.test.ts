import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawClient } from "../../support/raw-client";
import { RawUpstream, type UpstreamReply } from "../../support/raw-upstream";
import { bytesBeforeSilence, timeline } from "../support/body-timeline";
import { moduleFile } from "../support/module-file";
import { nativeFaultFilter } from "../support/native-fault";

const TO_APP = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
const TRAILERS = { http_protocol_options: { enable_trailers: true } };
const always = { percentage: { value: 100 } };
const ALL = { numerator: 100, denominator: "HUNDRED" };
const body = (size: number) => Buffer.alloc(size, "ghijklmnop").toString("latin1");
const piped = (fault: object, name: string) => ({ match: [{ uri: { prefix: `/${name}` } }], fault });

/** What the app answers, by the end of the path. */
const REPLIES: Record<string, UpstreamReply> = {
  "30k": { body: body(30_720) },
  chunked: { chunked: [body(100), body(30_620)] },
  trailers: { chunked: [body(30_720)], trailers: [["x-end", "1"]] },
  announced: { headers: [["Trailer", "x-end"]], chunked: [body(30_720)], trailers: [["x-end", "1"]] },
  big: { body: body(3_000_000) },
  empty: { body: "" },
  few: { body: body(400) },
};

let wasm: string;
beforeAll(async () => {
  wasm = await moduleFile("filters/fault");
});

function ours(config: object): build.Json {
  const configuration = JSON.stringify(config);
  return build.wasmFilter({ name: "fault", wasm, rootId: "fault", vmId: "fault", configuration });
}

function listener(name: string, filter: build.Json): build.Json {
  return build.httpListener({ name, filters: [filter], routes: TO_APP, manager: TRAILERS });
}

function startUpstream(): Promise<RawUpstream> {
  return RawUpstream.start((request, reply) => reply.send(REPLIES[request.path.split("/").at(-1)!]!));
}

const clusters = (upstream: RawUpstream) => [build.cluster("app", upstream.port, build.CLUSTER_TRAILERS)];

/** Names of listeners by how fast they are; `asked` does what headers say. */
const RATES = { slow: 10, brisk: 30, fast: 3000 };
const asked = "asked";
const throughput = (value: string): [string, string] => ["x-envoy-fault-throughput-response", value];

/** One script for every subject; whatever Envoy's own filter says, ours has to. */
function rateLimits(subject: { port: (name: string) => number; proxy: () => ProxyUnderTest; stat: string }) {
  test.concurrent.each<[rate: string, reply: string, seconds: number]>([
    ["slow", "30k", 2.95],
    ["brisk", "30k", 0.95],
    ["brisk", "chunked", 0.95],
    ["brisk", "trailers", 0.95],
    ["fast", "big", 0.93],
    ["slow", "few", 0],
    ["slow", "empty", 0],
  ])("%s %s takes %d s", async (rate, reply, seconds) => {
    const seen = await timeline(subject.port(rate), `/${reply}`);
    const { body = "", chunked, trailers = [] } = REPLIES[reply]!;
    expect(seen.body).toBe(chunked ? chunked.join("") : body);
    expect([seen.complete, seen.trailers]).toEqual([true, trailers]);
    expect(seen.ms).toBeGreaterThan(seconds * 1000 - 60);
    expect(seen.ms).toBeLessThan(seconds * 1000 + 2000);
  });

  test("headers ask for a rate", async () => {
    const port = subject.port(asked);
    const quick = async (headers: [string, string][]) => (await timeline(port, "/30k", headers)).ms < 850;
    expect((await timeline(port, "/30k", [throughput("30")])).ms).toBeGreaterThan(890);
    expect(await quick([throughput("30"), throughput("1000000")])).toBe(false);
    for (const value of ["0", "", "-1", "x"]) expect(await quick([throughput(value)]), value).toBe(true);
    const percentage = (value: string): [string, string] => [
      "x-envoy-fault-throughput-response-percentage",
      value,
    ];
    expect(await quick([throughput("30"), percentage("0")])).toBe(true);
    expect(await quick([throughput("30"), percentage("x")])).toBe(false);
  });

  test("clients that leave leave nothing behind", async () => {
    const active = () => subject.proxy().stat(`${subject.stat}active_faults`);
    await expect.poll(active, { timeout: 5000 }).toBe(0);
    const injected = await subject.proxy().stat(`${subject.stat}response_rl_injected`);
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => RawClient.connect(subject.port("slow"))),
    );
    for (const client of clients) client.send({ path: "/30k" });
    await Promise.all(clients.map((client) => client.head()));
    expect(await active()).toBe(20);
    for (const client of clients) client.reset();
    await expect.poll(active, { timeout: 5000 }).toBe(0);
    expect(await subject.proxy().stat(`${subject.stat}response_rl_injected`)).toBe(injected + 20);
  });
}

describe.skipIf(!inject("envoy"))("Envoy's own response_rate_limit", () => {
  const engine = new EngineUnderTest("envoy");
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await startUpstream();
    const listeners = Object.entries(RATES).map(([name, limit_kbps]) =>
      listener(
        name,
        nativeFaultFilter({ response_rate_limit: { fixed_limit: { limit_kbps }, percentage: ALL } }),
      ),
    );
    listeners.push(
      listener(asked, nativeFaultFilter({ response_rate_limit: { header_limit: {}, percentage: ALL } })),
    );
    proxy = await engine.start(build.bootstrap({ listeners, clusters: clusters(upstream) }));
  });
  afterAll(async () => {
    await engine.cleanUp();
    await upstream.close();
  });
  rateLimits({ port: (name) => proxy.port(name), proxy: () => proxy, stat: "http.slow.fault." });
});

describeEngines("fault: responses at a rate", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await startUpstream();
    const listeners = Object.entries(RATES).map(([name, limitKbps]) =>
      listener(name, ours({ http: [{ fault: { responseRateLimit: { ...always, limitKbps } } }] })),
    );
    listeners.push(listener(asked, ours({ http: [], headerFaults: { responseRateLimit: ALL } })));
    proxy = await engine.start(build.bootstrap({ listeners, clusters: clusters(upstream) }));
  });
  afterAll(() => upstream.close());
  rateLimits({ port: (name) => proxy.port(name), proxy: () => proxy, stat: "wasmcustom.wasm_fault_" });
});

describeEngines("fault: bodies that stall and end early", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await startUpstream();
    const http = [
      piped({ stall: { ...always, afterBytes: 1000, duration: "0.6s" } }, "stall"),
      piped({ stall: { ...always, duration: "0.6s" } }, "hold"),
      piped({ truncate: { ...always, afterBytes: 1000 } }, "cut"),
      piped({ truncate: { ...always, afterBytes: 1000, reset: true } }, "reset"),
      piped(
        {
          stall: { ...always, afterBytes: 10_000, duration: "0.3s" },
          truncate: { ...always, afterBytes: 20_000 },
          responseRateLimit: { ...always, limitKbps: 50 },
        },
        "all",
      ),
      piped({ truncate: { ...always }, abort: { ...always, httpStatus: 418 } }, "aborted"),
    ];
    proxy = await engine.start(
      build.bootstrap({ listeners: [listener("shaped", ours({ http }))], clusters: clusters(upstream) }),
    );
  });
  afterAll(() => upstream.close());

  test.concurrent.each([
    ["/stall/30k", 1000],
    ["/stall/chunked", 1000],
    ["/stall/big", 1000],
    // Trailers may come at once: then the chunk is not split.
    ["/stall/announced", 0],
    ["/hold/30k", 0],
  ])("%s stalls after %d bytes, and is whole in the end", async (path, bytes) => {
    const port = proxy.port();
    const seen = await timeline(port, path);
    const reply = REPLIES[path.split("/").at(-1)!]!;
    expect(seen.body).toBe(reply.chunked ? reply.chunked.join("") : reply.body);
    expect([seen.complete, seen.trailers]).toEqual([true, reply.trailers ?? []]);
    expect(seen.ms).toBeGreaterThan(590);
    expect(seen.ms).toBeLessThan(3000);
    expect(await bytesBeforeSilence(port, path, 250)).toBe(bytes);
  });

  test.concurrent.each(["/stall/few", "/stall/empty", "/hold/empty"])(
    "%s has nothing to stall",
    async (path) => {
      expect((await timeline(proxy.port(), path)).ms).toBeLessThan(590);
    },
  );

  test("trailers nobody announced cut a body that has stalled, rather than tear a hole in it", async () => {
    const seen = await timeline(proxy.port(), "/stall/trailers");
    expect([seen.complete, seen.body]).toEqual([false, body(1000)]);
  });

  test.concurrent.each(["30k", "chunked", "trailers", "big"])(
    "/cut/%s ends in order, too early",
    async (reply) => {
      const seen = await timeline(proxy.port(), `/cut/${reply}`);
      expect([seen.complete, seen.trailers]).toEqual([true, REPLIES[reply]!.trailers ?? []]);
      expect(seen.body).toBe(REPLIES[reply]!.chunked ? `${body(100)}${body(900)}` : body(1000));
      expect(seen.headers.filter(([name]) => name.toLowerCase() === "content-length")).toEqual([]);
    },
  );

  test.concurrent.each(["30k", "chunked", "trailers", "big"])("/reset/%s breaks off", async (reply) => {
    const seen = await timeline(proxy.port(), `/reset/${reply}`);
    expect(seen.complete).toBe(false);
    expect(seen.body).toBe(body(1000));
  });

  test("a body no longer than the cut is left alone", async () => {
    for (const kind of ["cut", "reset"]) {
      const seen = await timeline(proxy.port(), `/${kind}/few`);
      expect([seen.complete, seen.body]).toEqual([true, body(400)]);
      expect(seen.headers.map(([name]) => name.toLowerCase())).toContain("content-length");
    }
  });

  test("HEAD has its headers as they are", async () => {
    const client = await RawClient.connect(proxy.port());
    client.send({ method: "HEAD", path: "/cut/30k" });
    expect((await client.response(true)).header("content-length")).toBe("30720");
    client.close();
  });

  test("all at once", async () => {
    const seen = await timeline(proxy.port(), "/all/30k");
    expect([seen.complete, seen.body]).toEqual([true, body(20_000)]);
    // 20 000 bytes at 51 200 a second, the first 2560 at once; the stall falls into that time.
    expect(seen.ms).toBeGreaterThan(300);
    expect(seen.ms).toBeLessThan(3000);
  });

  test("the answer of an abort is not cut", async () => {
    expect((await timeline(proxy.port(), "/aborted/30k")).body).toBe("fault filter abort");
  });

  test("they are counted, and over when they are", async () => {
    const stat = (name: string) => proxy.stat(`wasmcustom.wasm_fault_${name}`);
    expect(await stat("stalls_injected")).toBeGreaterThan(5);
    expect(await stat("truncations_injected")).toBeGreaterThan(5);
    await expect.poll(() => stat("active_faults"), { timeout: 5000 }).toBe(0);
  });
});
