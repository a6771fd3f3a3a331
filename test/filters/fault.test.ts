import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyConfig, anyRequest } from "./support/anything";
import { FilterHost, type Headers, moduleOf } from "./support/filter-host";

const abort = (value: number, more: object = { httpStatus: 503 }) => ({
  abort: { percentage: { value }, ...more },
});
const delay = (value: number, fixedDelay = "0.1s") => ({ delay: { percentage: { value }, fixedDelay } });
const always = abort(100);

function request(path = "/", more: Headers = [], method = "GET"): Headers {
  return [[":authority", "a.example:80"], [":path", path], [":method", method], [":scheme", "http"], ...more];
}

describe("fault: what a configuration refuses", () => {
  const entry = (fault: unknown) => ({ http: [{ fault }] });
  const matched = (match: unknown) => ({ http: [{ match: [match], fault: always }] });
  test.each<[unknown, string]>([
    ["", "the configuration is empty"],
    ["{", "not JSON: expected a key in double quotes at line 1 column 2"],
    [[], "expected an object"],
    [{}, "http: missing"],
    [{ http: [], extra: 1 }, "extra: unknown or unsupported field (known: http)"],
    [{ http: {} }, "http: expected a list"],
    [{ http: [{ fault: always }, 5] }, "http[1]: expected an object"],
    [{ http: [{ faults: always }] }, "http[0].faults: unknown or unsupported field"],
    [
      { http: [{ route: [{ fault: always }] }] },
      "http[0].route[0].fault: belongs beside route, not inside it",
    ],
    [entry({}), "http[0].fault: needs delay or abort"],
    [
      entry({ abort: { percentage: { value: 1 } } }),
      "http[0].fault.abort: give exactly one of httpStatus and grpcStatus",
    ],
    [entry(abort(1, { httpStatus: 500, grpcStatus: "OK" })), "http[0].fault.abort: give exactly one of"],
    [
      entry(abort(1, { httpStatus: 199 })),
      "http[0].fault.abort.httpStatus: expected a whole number from 200 to 599",
    ],
    [entry(abort(1, { httpStatus: 600 })), "http[0].fault.abort.httpStatus: expected a whole number"],
    [entry(abort(1, { httpStatus: 500.5 })), "http[0].fault.abort.httpStatus: expected a whole number"],
    [entry(abort(1, { httpStatus: "500" })), "http[0].fault.abort.httpStatus: expected a whole number"],
    [
      entry(abort(1, { grpcStatus: "14" })),
      "http[0].fault.abort.grpcStatus: expected the name of a gRPC code",
    ],
    [entry(abort(1, { http2Error: "x" })), "http[0].fault.abort.http2Error: unknown or unsupported field"],
    [entry(abort(-1)), "http[0].fault.abort.percentage.value: expected a number from 0 to 100"],
    [entry(abort(100.1)), "http[0].fault.abort.percentage.value: expected a number from 0 to 100"],
    [
      entry({ abort: { percentage: 50, httpStatus: 500 } }),
      "http[0].fault.abort.percentage: expected an object",
    ],
    [
      entry({ abort: { percent: 50, httpStatus: 500 } }),
      "http[0].fault.abort.percent: unknown or unsupported field",
    ],
    [entry({ delay: {} }), "http[0].fault.delay.fixedDelay: expected a string"],
    [
      entry(delay(1, "5")),
      "http[0].fault.delay.fixedDelay: expected a duration of at least 1ms, such as 0.5s",
    ],
    [entry(delay(1, "0.9ms")), "http[0].fault.delay.fixedDelay: expected a duration of at least 1ms"],
    [entry(delay(1, "1001h")), "http[0].fault.delay.fixedDelay: expected a duration of at most 1000h"],
    [
      entry({ delay: { exponentialDelay: "1s" } }),
      "http[0].fault.delay.exponentialDelay: unknown or unsupported field",
    ],
    [matched({ port: 80 }), "http[0].match[0].port: unknown or unsupported field"],
    [matched({ sourceLabels: {} }), "http[0].match[0].sourceLabels: unknown or unsupported field"],
    [matched({ uri: "/a" }), "http[0].match[0].uri: expected an object"],
    [matched({ uri: { suffix: "/a" } }), "http[0].match[0].uri.suffix: unknown or unsupported field"],
    [matched({ uri: { exact: "/a", prefix: "/" } }), "http[0].match[0].uri: give only one of"],
    [matched({ uri: { regex: "(" } }), "http[0].match[0].uri.regex: missing ) at offset 1"],
    [matched({ uri: { prefix: "" } }), "http[0].match[0].uri.prefix: must not be empty"],
    [matched({ ignoreUriCase: "yes" }), "http[0].match[0].ignoreUriCase: expected true or false"],
    [
      matched({ headers: { "@request.auth.claims.a": {} } }),
      "http[0].match[0].headers.@request.auth.claims.a: unsupported",
    ],
    [matched({ headers: [] }), "http[0].match[0].headers: expected an object"],
    [matched({ queryParams: { "": {} } }), "http[0].match[0].queryParams.: must not be empty"],
  ])("%j", async (config, why) => {
    const host = await FilterHost.load("fault");
    const refusal = host.configure(typeof config === "string" ? config : JSON.stringify(config));
    expect(refusal).toContain(`configuration refused: ${why}`);
  });

  test("bytes that are not UTF-8, and NUL", async () => {
    const host = await FilterHost.load("fault");
    const refusal = (text: string) => host.configure(Buffer.from(text, "latin1"));
    expect(refusal('{"http":[{"name":"\xff"}]}')).toContain("not JSON: not UTF-8 at line 1 column 20");
    expect(refusal('{"http":[{"name":"\0"}]}')).toContain("not JSON: control character in a string");
  });

  test("a VirtualService's http list is read as it stands", async () => {
    await FilterHost.with("fault", {
      http: [
        {
          name: "reviews",
          match: [{ name: "v2", uri: { prefix: "/a" } }],
          fault: { ...always, ...delay(0.1) },
          route: [{ destination: { host: "reviews", subset: "v2" }, weight: 100 }],
          timeout: "1s",
          retries: { attempts: 3 },
          headers: { request: { set: { a: "b" } } },
        },
        { route: [{ destination: { host: "reviews" } }] },
      ],
    });
  });
});

describe("fault: chances", () => {
  /** Is a request aborted when the draw of a million is `draw`? */
  async function aborts(fault: unknown, draw: number): Promise<boolean> {
    const host = await FilterHost.with("fault", { http: [{ fault }] });
    host.random = () => BigInt(draw) + 7_000_000n;
    host.requestHeaders(request());
    return host.reply !== undefined;
  }

  test.each([
    [0.57, 5699],
    [50, 500_000],
    [0.0001, 1],
    [33.3333, 333_333],
    [99.9999, 999_999],
  ])("%d %% is %d of a million, cut off as Istio does", async (value, numerator) => {
    expect(Math.trunc(value * 10_000)).toBe(numerator);
    expect(await aborts(abort(value), numerator - 1)).toBe(true);
    expect(await aborts(abort(value), numerator)).toBe(false);
  });

  test("0 % never and 100 % always, whatever the draw; no percentage is 0 %", async () => {
    expect(await aborts(abort(0), 0)).toBe(false);
    expect(await aborts(abort(100), 999_999)).toBe(true);
    expect(await aborts({ abort: { httpStatus: 500 } }, 0)).toBe(false);
    expect(await aborts({ abort: { percentage: {}, httpStatus: 500 } }, 0)).toBe(false);
  });

  test("the old percent counts only without percentage", async () => {
    const held = async (more: object, draw: number) => {
      const host = await FilterHost.with("fault", {
        http: [{ fault: { delay: { fixedDelay: "1s", ...more } } }],
      });
      host.random = () => BigInt(draw);
      return !host.requestHeaders(request());
    };
    expect(await held({ percent: 20 }, 199_999)).toBe(true);
    expect(await held({ percent: 20 }, 200_000)).toBe(false);
    expect(await held({ percent: 100, percentage: { value: 0 } }, 0)).toBe(false);
    expect(await held({}, 0)).toBe(false);
  });

  test("delay and abort are drawn apart, the abort when the delay is over", async () => {
    const host = await FilterHost.with("fault", { http: [{ fault: { ...delay(50), ...abort(50) } }] });
    const draws: bigint[] = [];
    let seed = 1n;
    host.random = () => {
      seed = (seed * 6_364_136_223_846_793_005n + 1n) & 0xffff_ffff_ffff_ffffn;
      draws.push(seed);
      return seed;
    };
    const seen = { both: 0, delayed: 0, aborted: 0, neither: 0 };
    for (let i = 0; i < 2000; i++) {
      const delayed = !host.requestHeaders(request()) && host.reply === undefined;
      if (delayed) host.tick(100);
      const aborted = host.reply !== undefined;
      seen[delayed ? (aborted ? "both" : "delayed") : aborted ? "aborted" : "neither"]++;
      host.end();
    }
    for (const count of Object.values(seen)) expect(Math.abs(count - 500)).toBeLessThan(100);
  });
});

describe("fault: delays", () => {
  test("the timer runs only while something waits", async () => {
    const host = await FilterHost.with("fault", { http: [{ fault: delay(100) }] });
    expect(host.tickPeriod).toBe(0);
    expect(host.requestHeaders(request())).toBe(false);
    expect(host.tickPeriod).toBeGreaterThan(0);
    expect(host.tickPeriod).toBeLessThanOrEqual(10);
    const first = host.stream;
    host.tick(60);
    expect(host.requestHeaders(request())).toBe(false);
    host.tick(39);
    expect(host.resumed).toEqual([]);
    host.tick(1);
    expect(host.resumed.splice(0)).toEqual([first]);
    expect(host.tickPeriod).toBeGreaterThan(0);
    host.tick(60);
    expect(host.resumed).toEqual([first + 1]);
    expect(host.tickPeriod).toBe(0);
  });

  test("a stream that ends during its delay leaves nothing behind", async () => {
    const host = await FilterHost.with("fault", { http: [{ fault: { ...delay(100), ...always } }] });
    const streams = Array.from({ length: 50 }, () => {
      host.requestHeaders(request());
      return host.stream;
    });
    for (const stream of streams.slice(1)) host.end([], stream);
    expect(host.tickPeriod).toBeGreaterThan(0);
    host.end([], streams[0]);
    expect(host.tickPeriod).toBe(0);
    host.tick(200);
    expect(host.resumed).toEqual([]);
    expect(host.reply).toBeUndefined();
  });

  test("500 are let go in one tick, each in its own context", async () => {
    const host = await FilterHost.with("fault", { http: [{ fault: delay(100) }] });
    for (let i = 0; i < 500; i++) host.requestHeaders(request());
    host.tick(100);
    expect(new Set(host.resumed).size).toBe(500);
    expect(host.tickPeriod).toBe(0);
  });
});

test("fault: what an abort says", async () => {
  const host = await FilterHost.with("fault", {
    http: [
      { match: [{ uri: { exact: "/grpc" } }], fault: abort(100, { grpcStatus: "NOT_FOUND" }) },
      { fault: abort(100, { httpStatus: 418 }) },
    ],
  });
  host.requestHeaders(request());
  expect(host.reply).toEqual({
    status: 418,
    body: "fault filter abort",
    details: "fault_filter_abort",
    grpcStatus: -1,
  });
  host.requestHeaders(request("/grpc"));
  expect(host.reply).toMatchObject({ status: 200, grpcStatus: 5 });
});

describe("fault: no trap", () => {
  const keys = [
    "http",
    "match",
    "fault",
    "delay",
    "abort",
    "percentage",
    "value",
    "fixedDelay",
    "httpStatus",
    "grpcStatus",
    "uri",
    "exact",
    "prefix",
    "regex",
    "headers",
    "withoutHeaders",
    "queryParams",
    "x-a",
    "method",
    "ignoreUriCase",
    "route",
  ];

  test("whatever the configuration", async () => {
    const host = await FilterHost.load("fault");
    fc.assert(
      fc.property(anyConfig(keys, ["5s", "/a", "(a|b)*", "UNAVAILABLE", "*"]), (config) => {
        const refusal = host.configure(config);
        if (refusal !== undefined) expect(refusal).toMatch(/^configuration refused: ./);
      }),
      { numRuns: 1500 },
    );
  });

  test("whatever the request", async () => {
    const host = await FilterHost.with("fault", {
      http: [
        {
          match: [{ uri: { regex: "(/[^/]*)+x" }, headers: { "x-a": { prefix: "a" }, "X-Role": {} } }],
          fault: always,
        },
        {
          match: [{ uri: { prefix: "/A" }, ignoreUriCase: true, queryParams: { b: { regex: ".+" } } }],
          fault: always,
        },
        {
          match: [
            { withoutHeaders: { "x-a": { regex: "[a-z]*" } }, authority: { exact: "" } },
            { method: { exact: "GET" } },
          ],
          fault: delay(100, "1ms"),
        },
      ],
    });
    fc.assert(
      fc.property(anyRequest, (headers) => {
        host.requestHeaders(headers);
        host.tick(1);
        host.end();
      }),
      { numRuns: 2000 },
    );
  });

  test("the module stays under 64 KiB", async () => {
    expect((await moduleOf("fault")).length).toBeLessThan(65_536);
  });
});
