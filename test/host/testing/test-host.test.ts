import { describe, expect, test } from "vitest";
import { TestHost, type TestHostOptions, UnfinishedError } from "../../../host/testing/index";
import { startHost } from "../../../host/testing/vitest";
import { guest } from "../../support/guests";

/** The scripted guest, see test/guests/README.md. */
async function puppet(script: string, more: Partial<TestHostOptions> = {}, start = startHost) {
  const module = await guest("puppet");
  return start({ plugins: { module, name: "p", configuration: script }, ...more });
}

const CALL = "call auth 1000 '' :method GET :path /check :authority auth";

describe("the test host", () => {
  test("hello, compiled from its source: a header each way", async () => {
    const host = await startHost({ plugins: { module: "examples/hello" } });
    const exchange = host.request({ path: "/x", headers: { "user-agent": "curl/8" } });
    expect(exchange).toBeForwarded();
    expect(exchange.forwarded.headers?.get("x-ua-len")).toBe("6");
    exchange.respond({ body: "hi" });
    expect(exchange.response.headers?.get("x-hello")).toBe("world");
    expect(exchange.response.text).toBe("hi");
    expect(exchange.over).toBe(true);
  });

  test("a delay takes virtual time", async () => {
    const fault = { delay: { percentage: { value: 100 }, fixedDelay: "5s" } };
    const host = await startHost({
      plugins: { module: "filters/fault", configuration: { http: [{ fault }] } },
    });
    const slow = host.request();
    host.advance(4_900);
    expect(slow).toBeHeld();
    host.advance(200);
    expect(slow).toBeForwarded();
    slow.respond();
  });

  test("the same seed gives the same rolls", async () => {
    const fault = { abort: { percentage: { value: 50 }, httpStatus: 503 } };
    const plugins = { module: "filters/fault", configuration: { http: [{ fault }] } };
    const statuses = async (seed: number) => {
      const host = await startHost({ plugins, seed });
      return Array.from({ length: 40 }, () => {
        const exchange = host.request();
        if (exchange.state === "forwarded") exchange.respond();
        return exchange.response.status;
      });
    };
    const first = await statuses(1);
    expect(new Set(first)).toEqual(new Set([200, 503]));
    expect(await statuses(1)).toEqual(first);
    expect(await statuses(2)).not.toEqual(first);
  });

  test("a refused configuration says what the guest logged", async () => {
    const start = TestHost.start({
      plugins: { module: "filters/metrics", configuration: { reporter: "x" } },
    });
    await expect(start).rejects.toThrow('reporter: expected "destination" or "source"');
  });

  test("a chunk plan: every chunk by itself, the end as the protocol has it", async () => {
    const seen = async (protocol: "HTTP/1.1" | "HTTP/2") => {
      const host = await puppet("on request_body\n  a = set $size $eos");
      host.request({ method: "POST", body: ["ab", "c"], protocol }).respond();
      return host.logs().map(({ message }) => message);
    };
    expect(await seen("HTTP/1.1")).toEqual(["a=0 2 0", "a=0 1 0", "a=0 0 1"]);
    expect(await seen("HTTP/2")).toEqual(["a=0 2 0", "a=0 1 1"]);
  });

  test("hooks show headers before and after, bodies, and what the filter answered", async () => {
    const host = await puppet("on request_headers\n  add 0 x-a 1\non response_body\n  set-buffer 1 0 9 new");
    const exchange = host.request();
    exchange.respond({ body: "old" });
    const [request, , body] = exchange.hooks;
    expect(request).toMatchObject({ filter: "p", hook: "request headers", status: "Continue" });
    expect([request!.before!.has("x-a"), request!.after!.get("x-a")]).toEqual([false, "1"]);
    expect(body!.chunk).toEqual({ before: Buffer.from("old"), after: Buffer.from("new") });
    expect(exchange.hooks.map(({ hook }) => hook).slice(-2)).toEqual(["log", "done"]);
  });

  test("several plugins: in order, and back in reverse", async () => {
    const module = await guest("puppet");
    const script = "trace";
    const plugins = ["a", "b"].map((name) => ({ module, name, rootId: name, configuration: script }));
    const host = await startHost({ plugins });
    const exchange = host.request();
    exchange.respond();
    expect(exchange.hooks.map(({ filter, hook }) => `${filter} ${hook}`).slice(0, 4)).toEqual([
      "a request headers",
      "b request headers",
      "b response headers",
      "a response headers",
    ]);
  });

  test("header values are bytes", async () => {
    const host = await puppet("on request_headers\n  a = get 0 x-a\n  add 0 x-b $a");
    const exchange = host.request({ headers: [["X-A", Buffer.from([0xe9, 0x80])]] });
    expect(exchange.forwarded.headers!.bytes("x-b")).toEqual(Buffer.from([0xe9, 0x80]));
    const text = host.request({ headers: { "x-a": "café" } });
    expect(text.forwarded.headers!.get("x-b")).toBe("café");
    for (const each of host.open) each.respond();
  });

  test("an upstream that takes its time has a latency, for filters too", async () => {
    const host = await puppet("on log\n  l = prop-int response backend_latency");
    const exchange = host.request();
    host.advance(50);
    exchange.respond({ body: "hi" });
    expect(host).toHaveLogged("l=0 50000000");
  });

  test("a client that leaves ends the exchange", async () => {
    const host = await puppet("trace\non request_headers\n  return 1");
    const exchange = host.request();
    exchange.disconnect();
    expect(exchange.over).toBe(true);
    expect(host.logs(/> (log|done|delete) /)).toHaveLength(3);
  });
});

describe("mock clusters", () => {
  const script = `on request_headers\n  ${CALL}\n  return 1\non http_call_response\n  s = get 6 :status\n  log 2 $s`;

  test("an answer in its time", async () => {
    const host = await puppet(script);
    host.mockCluster("auth", ({ path }) => ({ status: path === "/check" ? 204 : 500, afterMs: 30 }));
    const exchange = host.request();
    expect(host.calls("auth")[0]).toMatchObject({ path: "/check", method: "GET", timeoutMs: 1000 });
    host.advance(29);
    expect(host.logs("204")).toEqual([]);
    host.advance(1);
    expect(host).toHaveLogged("204");
    exchange.disconnect();
  });

  test.each([
    ["refused", "503"],
    ["reset", "503"],
  ] as const)("%s is an answer %s", async (failure, status) => {
    const host = await puppet(script, { clusters: { auth: { failure } } });
    host.request().disconnect();
    expect(host).toHaveLogged(status);
  });

  test("a timeout is an answer 504, at its time", async () => {
    const host = await puppet(script, { clusters: { auth: { failure: "timeout" } } });
    host.request().disconnect();
    host.advance(999);
    expect(host.logs("504")).toEqual([]);
    host.advance(1);
    expect(host).toHaveLogged("504");
  });

  test("an answer after the timeout never comes", async () => {
    const host = await puppet(script, { clusters: { auth: { status: 200, afterMs: 1001 } } });
    host.request().disconnect();
    host.advance(5000);
    expect(host.logs(/^(200|504)$/).map(({ message }) => message)).toEqual(["504"]);
  });
});

describe("what a test leaves open", () => {
  const open = (script: string, more?: Partial<TestHostOptions>) => puppet(script, more, TestHost.start);

  test("a request that is held is named", async () => {
    const host = await open("on request_headers\n  return 1");
    host.request({ path: "/stuck" });
    expect(() => host.close()).toThrow(UnfinishedError);
    expect(() => host.close()).not.toThrow();
  });

  test("so is a call nobody has answered", async () => {
    const host = await open(`on request_headers\n  ${CALL}`, { clusters: { auth: () => undefined } });
    host.request().respond();
    expect(() => host.close()).toThrow('open: call to "auth": GET /check');
  });

  test("and a call to a cluster that is not mocked", async () => {
    const host = await open(`on request_headers\n  ${CALL}`);
    host.request().respond();
    expect(() => host.close()).toThrow('a call to cluster "auth", which no mockCluster answers');
  });

  test("a failed expectation tells the story", async () => {
    const host = await puppet("on request_headers\n  log 2 something");
    const exchange = host.request();
    expect(() => expect(exchange).toBeAnswered(403)).toThrow("p: request headers Continue");
    expect(() => expect(host).toHaveLogged("else")).toThrow(
      /seed \d+[\s\S]*something[\s\S]*proxy_on_request_headers/,
    );
    expect(() => expect(host).toHaveCounted("n")).toThrow("to be 1, it is 0");
    exchange.respond();
  });
});
