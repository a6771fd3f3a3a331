import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TestHost } from "../../host/testing/index";
import { anyConfig, anyRequest, bytes } from "./support/anything";
import { moduleSize, rawHeaders, refusals, withFilter } from "./support/filter";

const abort = (value: number, more: object = { httpStatus: 503 }) => ({
  abort: { percentage: { value }, ...more },
});
const delay = (value: number, fixedDelay = "0.1s") => ({ delay: { percentage: { value }, fixedDelay } });
const always = abort(100);

describe("fault: what a configuration refuses", () => {
  const entry = (fault: unknown) => ({ http: [{ fault }] });
  const matched = (match: unknown) => ({ http: [{ match: [match], fault: always }] });
  test.each<[unknown, string]>([
    ["", "the configuration is empty"],
    ["{", "not JSON: expected a key in double quotes at line 1 column 2"],
    [[], "expected an object"],
    [{}, "http: missing"],
    [{ http: [], extra: 1 }, "extra: unknown or unsupported field (known: http, "],
    [{ http: {} }, "http: expected a list"],
    [{ http: [{ fault: always }, 5] }, "http[1]: expected an object"],
    [{ http: [{ faults: always }] }, "http[0].faults: unknown or unsupported field"],
    [
      { http: [{ route: [{ fault: always }] }] },
      "http[0].route[0].fault: belongs beside route, not inside it",
    ],
    [entry({}), "http[0].fault: needs delay or abort or responseRateLimit or stall or truncate"],
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
    [
      entry({ responseRateLimit: { limitKbps: 0 } }),
      "http[0].fault.responseRateLimit.limitKbps: expected a whole number from 1 to",
    ],
    [entry({ stall: { afterBytes: 5 } }), "http[0].fault.stall.duration: expected a string"],
    [
      entry({ truncate: { afterBytes: -1 } }),
      "http[0].fault.truncate.afterBytes: expected a whole number from 0 to",
    ],
    [entry({ truncate: { reset: 1 } }), "http[0].fault.truncate.reset: expected true or false"],
    [matched({ port: 0 }), "http[0].match[0].port: expected a whole number from 1 to 65535"],
    [matched({ sourceLabels: { app: 1 } }), "http[0].match[0].sourceLabels.app: expected a string"],
    [matched({ gateways: "mesh" }), "http[0].match[0].gateways: expected a list"],
    [matched({ uri: "/a" }), "http[0].match[0].uri: expected an object"],
    [matched({ uri: { suffix: "/a" } }), "http[0].match[0].uri.suffix: unknown or unsupported field"],
    [matched({ uri: { exact: "/a", prefix: "/" } }), "http[0].match[0].uri: give only one of"],
    [matched({ uri: { regex: "(" } }), "http[0].match[0].uri.regex: missing ) at offset 1"],
    [matched({ uri: { prefix: "" } }), "http[0].match[0].uri.prefix: must not be empty"],
    [matched({ ignoreUriCase: "yes" }), "http[0].match[0].ignoreUriCase: expected true or false"],
    [
      matched({ headers: { "@request.auth.claim.a": {} } }),
      "http[0].match[0].headers.@request.auth.claim.a: expected the name of a header, or @request.auth.claims[name]",
    ],
    [
      matched({ withoutHeaders: { "@request.auth.claims[a][]": {} } }),
      "http[0].match[0].withoutHeaders.@request.auth.claims[a][]: expected the name of a header, or",
    ],
    [matched({ headers: [] }), "http[0].match[0].headers: expected an object"],
    [{ http: [], headerFaults: "yes" }, "headerFaults: expected an object"],
    [{ http: [], headerFaults: { delays: {} } }, "headerFaults.delays: unknown or unsupported field"],
    [{ http: [], headerFaults: { delay: {} } }, "headerFaults.delay.numerator: expected a whole number"],
    [
      { http: [], headerFaults: { abort: { numerator: 1, denominator: "TEN" } } },
      "headerFaults.abort.denominator: expected HUNDRED, TEN_THOUSAND or MILLION",
    ],
    [{ http: [], seed: 0.5 }, "seed: expected a whole number from 0 to"],
    [{ http: [], killSwitchHeader: "" }, "killSwitchHeader: must not be empty"],
    [{ http: [], maxActiveFaults: -1 }, "maxActiveFaults: expected a whole number from 0 to"],
    [
      { http: [], runtime: { "fault.http.abort.percent": 1 } },
      "runtime.fault.http.abort.percent: unknown key (known: fault.http.delay.fixed_delay_percent, ",
    ],
    [
      { http: [], runtime: { "fault.http.a.max_active_faults": 1 } },
      "runtime.fault.http.a.max_active_faults: unknown key",
    ],
    [
      { http: [], runtime: { "fault.http.a.abort.http_status": 100 } },
      "runtime.fault.http.a.abort.http_status: expected a whole number from 200 to 599",
    ],
    [{ http: [{ schedule: { start: "soon" } }] }, "http[0].schedule.start: expected a duration such as 30s"],
    [
      { http: [{ schedule: { start: "2026-02-30 10:00:00Z" } }] },
      "http[0].schedule.start: expected a duration such as 30s",
    ],
    [
      { http: [{ schedule: { duration: "1m", ramp: "61s" } }] },
      "http[0].schedule.ramp: expected a duration that is not longer",
    ],
    [matched({ routeName: "a" }), "http[0].match[0].routeName: expected an object"],
    [matched({ downstreamNodes: [1] }), "http[0].match[0].downstreamNodes[0]: expected a string"],
    [matched({ queryParams: { "": {} } }), "http[0].match[0].queryParams.: must not be empty"],
  ])("%j", async (config, why) => {
    const refusal = await refusals("fault");
    expect(await refusal(config)).toContain(`configuration refused: ${why}`);
  });

  test("bytes that are not UTF-8, and NUL", async () => {
    const refuse = await refusals("fault");
    const refusal = (text: string) => refuse(Buffer.from(text, "latin1"));
    expect(await refusal('{"http":[{"name":"\xff"}]}')).toContain("not JSON: not UTF-8 at line 1 column 20");
    expect(await refusal('{"http":[{"name":"\0"}]}')).toContain("not JSON: control character in a string");
  });

  test("a VirtualService's http list is read as it stands", async () => {
    await withFilter("fault", {
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

/** Random numbers that are all the same. */
function always64(value: bigint) {
  return (target: Uint8Array) => {
    const view = Buffer.from(target.buffer, target.byteOffset, target.length);
    for (let i = 0; i + 8 <= target.length; i += 8) view.writeBigUInt64LE(value, i);
  };
}

/** Sends a request and, if it gets through, answers it. */
function send(host: TestHost, path = "/") {
  const exchange = host.request({ path });
  if (exchange.state === "forwarded") exchange.respond();
  return exchange;
}

describe("fault: chances", () => {
  /** Is a request aborted when the draw of a million is `draw`? */
  async function aborts(fault: unknown, draw: number): Promise<boolean> {
    const random = always64(BigInt(draw) + 7_000_000n);
    const host = await withFilter("fault", { http: [{ fault }] }, { random });
    return send(host).local;
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
      const http = [{ fault: { delay: { fixedDelay: "1s", ...more } } }];
      const host = await withFilter("fault", { http }, { random: always64(BigInt(draw)) });
      const exchange = send(host);
      const { state } = exchange;
      if (state === "held") exchange.disconnect();
      return state === "held";
    };
    expect(await held({ percent: 20 }, 199_999)).toBe(true);
    expect(await held({ percent: 20 }, 200_000)).toBe(false);
    expect(await held({ percent: 100, percentage: { value: 0 } }, 0)).toBe(false);
    expect(await held({}, 0)).toBe(false);
  });

  test("delay and abort are drawn apart, the abort when the delay is over", async () => {
    const host = await withFilter(
      "fault",
      { http: [{ fault: { ...delay(50), ...abort(50) } }] },
      { trace: false },
    );
    const seen = { both: 0, delayed: 0, aborted: 0, neither: 0 };
    for (let i = 0; i < 2000; i++) {
      const exchange = send(host);
      const delayed = exchange.state === "held";
      if (delayed) host.advance(150);
      if (exchange.state === "forwarded") exchange.respond();
      const aborted = exchange.local;
      seen[delayed ? (aborted ? "both" : "delayed") : aborted ? "aborted" : "neither"]++;
    }
    for (const count of Object.values(seen))
      expect(Math.abs(count - 500), `seed ${host.seed}`).toBeLessThan(100);
  });
});

describe("fault: delays", () => {
  test("the timer runs only while something waits", async () => {
    const host = await withFilter("fault", { http: [{ fault: delay(100) }] });
    expect(host.clock.pending).toBe(0);
    const first = host.request();
    expect(host.clock.pending).toBe(1);
    host.advance(60);
    const second = host.request();
    host.advance(39);
    expect([first.state, second.state]).toEqual(["held", "held"]);
    host.advance(11);
    expect([first.state, second.state]).toEqual(["forwarded", "held"]);
    expect(host.clock.pending).toBe(1);
    host.advance(60);
    expect(second.state).toBe("forwarded");
    expect(host.clock.pending).toBe(0);
    for (const exchange of host.open) exchange.respond();
  });

  test("a delay ends at most 10 ms late", async () => {
    const host = await withFilter("fault", { http: [{ fault: delay(100) }] });
    const exchange = host.request();
    host.advance(110);
    expect(exchange).toBeForwarded();
    exchange.respond();
  });

  test("a stream that ends during its delay leaves nothing behind", async () => {
    const host = await withFilter("fault", { http: [{ fault: { ...delay(100), ...always } }] });
    const streams = Array.from({ length: 50 }, () => host.request());
    for (const stream of streams.slice(1)) stream.disconnect();
    expect(host.clock.pending).toBe(1);
    streams[0]!.disconnect();
    expect(host.clock.pending).toBe(0);
    host.advance(200);
    expect(streams.filter(({ local, forwarded }) => local || forwarded.headers)).toEqual([]);
  });

  test("500 are let go in one tick, each in its own context", async () => {
    const host = await withFilter("fault", { http: [{ fault: delay(100) }] });
    const streams = Array.from({ length: 500 }, () => host.request());
    host.advance(110);
    expect(streams.filter(({ state }) => state === "forwarded")).toHaveLength(500);
    expect(host.clock.pending).toBe(0);
    for (const exchange of host.open) exchange.respond();
  });
});

describe("fault: what headers ask for", () => {
  const ask = (host: TestHost, headers: Record<string, string>) => {
    const exchange = host.request({ headers });
    if (exchange.state === "forwarded") exchange.respond();
    return exchange;
  };
  const on = (headerFaults: unknown, draw: number, http: unknown[] = []) =>
    withFilter("fault", { http, headerFaults }, { random: always64(BigInt(draw)) });

  test("a delay, then an abort", async () => {
    const host = await on(true, 0);
    const exchange = ask(host, {
      "x-envoy-fault-delay-request": "100",
      "x-envoy-fault-abort-request": "418",
    });
    expect(exchange).toBeHeld();
    host.advance(99);
    expect(exchange).toBeHeld();
    host.advance(11);
    expect(exchange).toBeAnswered(418, "fault filter abort");
  });

  test.each([
    ["HUNDRED", "30", 299_999, 300_000],
    ["TEN_THOUSAND", "30", 2999, 3000],
    ["MILLION", "30", 29, 30],
  ])("a percentage header counts in the share's own %s", async (denominator, percentage, last, next) => {
    const headers = {
      "x-envoy-fault-abort-request": "503",
      "x-envoy-fault-abort-request-percentage": percentage,
    };
    const share = { abort: { numerator: 50, denominator } };
    expect(ask(await on(share, last), headers).local).toBe(true);
    expect(ask(await on(share, next), headers).local).toBe(false);
  });

  test("a percentage header cannot raise the share", async () => {
    const headers = { "x-envoy-fault-abort-request": "503", "x-envoy-fault-abort-request-percentage": "90" };
    expect(ask(await on({ abort: { numerator: 50 } }, 500_000), headers).local).toBe(false);
    expect(ask(await on({ abort: { numerator: 50 } }, 499_999), headers).local).toBe(true);
  });

  test("only the first value of a repeated header", async () => {
    const host = await on(true, 0);
    const rawHeaders: [string, string][] = [
      [":method", "GET"],
      [":path", "/"],
      [":authority", "a"],
      ["x-envoy-fault-abort-request", "418"],
      ["x-envoy-fault-abort-request", "503"],
    ];
    expect(host.request({ rawHeaders })).toBeAnswered(418);
  });

  test("codes that gRPC does not have become UNKNOWN", async () => {
    const host = await on(true, 0);
    const headers = { "content-type": "application/grpc", "x-envoy-fault-abort-grpc-request": "99" };
    expect(ask(host, headers).response.headers?.get("grpc-status")).toBe("2");
  });
});

describe("fault: how many at a time, and what is counted", () => {
  const counts = (host: TestHost) =>
    ["delays_injected", "aborts_injected", "faults_overflow", "active_faults"].map((name) =>
      Number(host.metric(`wasm_fault_${name}`) ?? 0),
    );

  test("what is over the limit passes; a mere delay counts until it is over", async () => {
    const host = await withFilter("fault", { http: [{ fault: delay(100) }], maxActiveFaults: 2 });
    const streams = [1, 2, 3].map(() => host.request());
    expect(streams.map(({ state }) => state)).toEqual(["held", "held", "forwarded"]);
    expect(counts(host)).toEqual([2, 0, 1, 2]);
    host.advance(110);
    expect(counts(host)).toEqual([2, 0, 1, 0]);
    const next = host.request();
    expect(next).toBeHeld();
    next.disconnect();
    expect(counts(host)).toEqual([3, 0, 1, 0]);
    for (const stream of host.open) stream.respond();
    expect(counts(host)).toEqual([3, 0, 1, 0]);
  });

  test("a delay and an abort of one request are one fault; both may find no room", async () => {
    const config = { http: [{ fault: { ...delay(100), ...always } }], maxActiveFaults: 1 };
    const host = await withFilter("fault", config);
    const first = host.request();
    const second = host.request();
    expect(second).toBeForwarded();
    second.respond();
    expect(counts(host)).toEqual([1, 0, 2, 1]);
    host.advance(110);
    expect(first).toBeAnswered(503);
    expect(counts(host)).toEqual([1, 1, 2, 0]);
  });

  test("a request under no fault touches no metric", async () => {
    const host = await withFilter("fault", {
      http: [{ match: [{ uri: { exact: "/a" } }], fault: always }],
      maxActiveFaults: 1,
    });
    const before = host.trace.length;
    send(host);
    expect(host.trace.slice(before).filter((line) => /metric|set_property/.test(line))).toEqual([]);
  });
});

test("fault: rules for a header ask whether it is there, once a request, and for nothing else", async () => {
  const match = (path: string) => [{ uri: { prefix: path }, headers: { "x-test": { exact: "a" } } }];
  const host = await withFilter("fault", {
    http: ["/a", "/b", "/c"].map((path) => ({ match: match(path), fault: always })),
  });
  const calls = () => host.trace.filter((line) => /==> proxy_(get|set|define|call)/.test(line)).length;
  const before = calls();
  send(host);
  expect(calls() - before).toBe(1);
  const exchange = host.request({
    path: "/c",
    headers: [
      ["x-test", "b"],
      ["x-test", "a"],
    ],
  });
  expect(exchange).toBeAnswered(503);
});

describe("fault: selectors choose a proxy by its node", () => {
  const node = { id: "n", metadata: { NAMESPACE: "shop", LABELS: { app: "cart", version: "v1" } } };
  const hit = async (match: object, localPort = 80) => {
    const host = await withFilter("fault", { http: [{ match: [match], fault: always }] }, { node });
    const exchange = host.request({ connection: { localPort } });
    if (exchange.state === "forwarded") exchange.respond();
    return exchange.local;
  };

  test.each<[object, boolean]>([
    [{ sourceNamespace: "shop" }, true],
    [{ sourceNamespace: "other" }, false],
    [{ sourceNamespace: "" }, true],
    [{ sourceLabels: { app: "cart" } }, true],
    [{ sourceLabels: { app: "cart", version: "v2" } }, false],
    [{ sourceLabels: { missing: "x" } }, false],
    [{ sourceLabels: {} }, true],
    [{ gateways: ["mesh"] }, true],
    [{ gateways: ["shop/edge"] }, false],
    [{ gateways: ["shop/edge", "mesh"] }, true],
    [{ gateways: ["mesh"], sourceLabels: { app: "other" } }, true],
    [{ gateways: [], sourceLabels: { app: "other" } }, false],
    [{ port: 80 }, true],
    [{ port: 8080 }, false],
  ])("%j: %s", async (match, expected) => {
    expect(await hit(match)).toBe(expected);
  });
});

test("fault: a seed fixes which requests are hit", async () => {
  const pattern = async (seed: number | undefined, hostSeed: number) => {
    const http = [{ fault: abort(50) }];
    const host = await withFilter("fault", { http, seed }, { seed: hostSeed, trace: false });
    return Array.from({ length: 200 }, () => (send(host).local ? "x" : ".")).join("");
  };
  const first = await pattern(7, 1);
  expect(await pattern(7, 2)).toBe(first);
  expect(await pattern(8, 1)).not.toBe(first);
  expect(await pattern(undefined, 1)).not.toBe(await pattern(undefined, 2));
  expect(Math.abs(first.replaceAll(".", "").length - 100)).toBeLessThan(36);
});

describe("fault: a schedule", () => {
  const scheduled = (schedule: object, fault: unknown = always) =>
    withFilter("fault", { http: [{ fault, schedule }] }, { trace: false });

  test("is off before its start, and after its end", async () => {
    const host = await scheduled({ start: "10s", duration: "5s" });
    const seen = [0, 9990, 20, 4980, 20].map((ms) => {
      host.advance(ms);
      return send(host).local;
    });
    expect(seen).toEqual([false, false, true, true, false]);
  });

  test("without a start it is on at once, without a duration for good", async () => {
    const host = await scheduled({});
    expect(send(host).local).toBe(true);
    host.advance(3_600_000_000);
    expect(send(host).local).toBe(true);
  });

  test("a ramp: from none to all, in a line", async () => {
    const host = await scheduled({ ramp: "100s" });
    const share = (count: number) =>
      Array.from({ length: count }, () => send(host).local).filter(Boolean).length;
    expect(share(50)).toBe(0);
    for (const percent of [20, 50, 80]) {
      host.advance(percent * 1000 - Number(host.clock.monotonic() / 1_000_000n));
      expect(Math.abs(share(1000) - percent * 10), `seed ${host.seed}`).toBeLessThan(90);
    }
    host.advance(30_000);
    expect(share(50)).toBe(50);
  });

  test("a time of the calendar", async () => {
    const at = async (start: string, now: string) => {
      const host = await withFilter(
        "fault",
        { http: [{ fault: always, schedule: { start } }] },
        { now: new Date(now) },
      );
      return send(host).local;
    };
    for (const start of [
      "2026-11-25T10:00:00Z",
      "2024-02-29T23:59:59Z",
      "2000-03-01T00:00:00Z",
      "1999-12-31T12:30:01Z",
    ]) {
      const before = new Date(Date.parse(start) - 1).toISOString();
      expect([start, await at(start, before), await at(start, start)]).toEqual([start, false, true]);
    }
  });
});

test("fault: a request with the kill-switch header is left alone", async () => {
  const config = { http: [{ fault: always }], headerFaults: true, killSwitchHeader: "X-No-Fault" };
  const host = await withFilter("fault", config);
  expect(host.request()).toBeAnswered(503);
  const headers = { "x-no-fault": "", "x-envoy-fault-abort-request": "500" };
  const exchange = host.request({ headers });
  expect(exchange).toBeForwarded();
  exchange.respond();
});

test("fault: what an abort says", async () => {
  const host = await withFilter("fault", {
    http: [
      { match: [{ uri: { exact: "/grpc" } }], fault: abort(100, { grpcStatus: "NOT_FOUND" }) },
      { fault: abort(100, { httpStatus: 418 }) },
    ],
  });
  const plain = host.request();
  expect(plain).toBeAnswered(418, "fault filter abort");
  expect(plain.details).toBe("fault_filter_abort");
  const grpc = host.request({ path: "/grpc", headers: { "content-type": "application/grpc" } });
  expect(grpc).toBeAnswered(200, "");
  expect(grpc.response.headers?.get("grpc-status")).toBe("5");
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
    "headerFaults",
    "numerator",
    "denominator",
    "maxActiveFaults",
    "responseRateLimit",
    "limitKbps",
    "stall",
    "truncate",
    "afterBytes",
    "duration",
    "reset",
    "schedule",
    "start",
    "ramp",
    "runtime",
    "fault.http.abort.abort_percent",
    "@request.auth.claims[a][b]",
    "port",
    "sourceLabels",
    "sourceNamespace",
    "gateways",
    "routeName",
    "upstreamCluster",
    "downstreamNodes",
  ];

  test("whatever the configuration", async () => {
    const refusal = await refusals("fault");
    await fc.assert(
      fc.asyncProperty(anyConfig(keys, ["5s", "/a", "(a|b)*", "UNAVAILABLE", "*"]), async (config) => {
        expect((await refusal(config)) ?? "configuration refused: .").toMatch(/^configuration refused: ./);
      }),
      { numRuns: 1500 },
    );
  }, 60_000);

  test("whatever the request", async () => {
    const config = {
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
          fault: {
            ...delay(100, "1ms"),
            responseRateLimit: { percentage: { value: 50 }, limitKbps: 1 },
            stall: { percentage: { value: 50 }, afterBytes: 3, duration: "2ms" },
            truncate: { percentage: { value: 50 }, afterBytes: 5 },
          },
          schedule: { ramp: "1s" },
        },
        {
          match: [{ routeName: {}, headers: { "@request.auth.claims[a]": {} } }, { upstreamCluster: {} }],
          fault: { truncate: { percentage: { value: 100 }, reset: true } },
        },
      ],
      headerFaults: true,
      killSwitchHeader: "x-b",
      runtime: { "fault.http.delay.fixed_duration_ms": 2, "fault.http.a.abort.http_status": 500 },
    };
    const host = await withFilter("fault", config, { trace: false });
    const length = fc.tuple(fc.constantFrom("content-length", "transfer-encoding", "trailer"), bytes);
    fc.assert(
      fc.property(anyRequest, fc.array(length, { maxLength: 3 }), bytes, (headers, answered, body) => {
        const exchange = host.request({ rawHeaders: rawHeaders(headers) });
        host.advance(11);
        if (!exchange.over)
          exchange.respond({ headers: rawHeaders(answered), body: Buffer.from(body, "latin1") });
        host.advance(11);
        if (!exchange.over) exchange.disconnect();
      }),
      { numRuns: 2000 },
    );
  }, 60_000);

  test("the module stays under 64 KiB", () => {
    expect(moduleSize("fault")).toBeLessThan(65_536);
  });
});
