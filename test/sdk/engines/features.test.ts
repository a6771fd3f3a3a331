import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LogLevel } from "../../../sdk/abi/log-level";
import * as build from "../../support/bootstrap";
import { describeEngines, type EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { loadEngine } from "../../support/engines";
import { exchange, type RawRequest } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { buildGuest } from "../support/build-guest";

/** A listener for each plugin of the guest, all in one VM, in front of one upstream. */
interface PluginUnderTest {
  listener: string;
  rootId?: string;
  configuration?: string | build.Json;
}

const PLUGINS: readonly PluginUnderTest[] = [
  ...[
    "headers",
    "bodies",
    "calls",
    "properties",
    "metrics",
    "shared",
    "ticker",
    "globals",
    "ends",
    "denied",
  ].map((rootId) => ({
    listener: rootId,
    rootId,
  })),
  { listener: "limit-a", rootId: "limit", configuration: "a" },
  { listener: "limit-b", rootId: "limit", configuration: "b" },
];

let wasm: string;
beforeAll(async () => {
  wasm = await buildGuest("features");
});

function bootstrap(plugins: readonly PluginUnderTest[], upstream: number, auth: number): build.Json {
  return build.bootstrap({
    listeners: plugins.map(({ listener, ...plugin }) =>
      build.httpListener({
        name: listener,
        filters: [build.wasmFilter({ name: listener, wasm, vmId: "features", ...plugin })],
        routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }],
        manager: { http_protocol_options: { enable_trailers: true } },
      }),
    ),
    clusters: [build.cluster("upstream", upstream, build.CLUSTER_TRAILERS), build.cluster("auth", auth)],
  });
}

describeEngines("SDK features", (engine) => {
  let upstream: RawUpstream;
  let auth: RawUpstream;
  let proxy: ProxyUnderTest;
  const ask = (listener: string, request: RawRequest = {}) => exchange(proxy.port(listener), request);

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    auth = await RawUpstream.start();
    proxy = await engine.start(bootstrap(PLUGINS, upstream.port, auth.port), { logLevel: LogLevel.Info });
  });
  afterAll(() => Promise.all([upstream?.close(), auth?.close()]));

  test("headers: missing is null, empty is empty, several values are all seen", async () => {
    const response = await ask("headers", {
      headers: [
        ["X-A", "1"],
        ["X-A", "2"],
        ["X-Empty", ""],
      ],
    });
    expect(response.header("x-missing")).toBe("null");
    expect(response.header("x-empty")).toBe("<>");
    expect(response.header("x-first")).toBe("<1>");
    expect(response.header("x-all")).toBe("1+2");
    expect(response.header("x-values")).toBe("1+2");
    expect(response.header("x-joined")).toBe("<1,2>");
    expect(response.header("x-joined-none")).toBe("null");
    expect(response.header("x-has")).toBe("true false");
  });

  test("headers: a value with CR and LF, a name with NUL are refused", async () => {
    const index = upstream.requests.length;
    const response = await ask("headers");
    expect(response.header("x-refused")).toBe("2 2 2 true");
    expect((await upstream.request(index)).headers.map(([name]) => name)).not.toContain("x-injected");
    await proxy.log.waitFor(
      (lines) =>
        lines.find(
          ({ level, message }) => level === "error" && message.endsWith("CR, LF or NUL in a header: refused"),
        ),
      "the refusal",
    );
  });

  test("headers: a value that is not UTF-8 passes through a string and through bytes unchanged", async () => {
    const index = upstream.requests.length;
    await ask("headers", { headers: [["X-Binary", "a\xff\xfe\xc3\xa9\xe2\x82z"]] });
    const { headers } = await upstream.request(index);
    expect(headers).toContainEqual(["x-binary-text", "a\xff\xfe\xc3\xa9\xe2\x82z"]);
    expect(headers).toContainEqual(["x-binary-bytes", "a\xff\xfe\xc3\xa9\xe2\x82z"]);
  });

  test("headers: remove, replace, and the whole map at once", async () => {
    const index = upstream.requests.length;
    upstream.handler = async (request, reply) => {
      await request.message;
      reply.send({
        headers: [
          ["X-Drop", "1"],
          ["X-Keep", "1"],
          ["X-Keep", "2"],
        ],
        body: "ok",
      });
    };
    const response = await ask("headers", {
      headers: [
        ["X-Remove", "1"],
        ["X-Replace", "old"],
      ],
    });
    const { headers } = await upstream.request(index);
    expect(headers.filter(([name]) => name === "x-remove")).toEqual([]);
    expect(headers.filter(([name]) => name === "x-replace")).toEqual([["x-replace", "new"]]);
    expect(response.all("x-drop")).toEqual([]);
    expect(response.all("x-keep")).toEqual(["1", "2"]);
  });

  test("bodies: a buffered request body of any bytes is read and extended, a response body replaced", async () => {
    upstream.handler = async (request, reply) => {
      reply.send({ chunked: ["it came: ", String((await request.message).body.length)] });
    };
    const index = upstream.requests.length;
    const binary = Buffer.from([0, 255, 128, 10, 13, 0]);
    const response = await ask("bodies", {
      method: "POST",
      chunked: [binary.subarray(0, 4), binary.subarray(4)],
    });
    expect(response.text).toBe("IT CAME: 12");
    const body = await (await upstream.request(index)).body();
    expect(body).toBe(`^${binary.toString("latin1")}|6|\x00\xff`);
  });

  test("trailers are read and added both ways; log, done and delete come in this order", async () => {
    const index = upstream.requests.length;
    upstream.handler = async (request, reply) => {
      await request.message;
      reply.send({ body: "ok", trailers: [["X-Own", "1"]] });
    };
    const response = await ask("ends", {
      method: "POST",
      path: "/ends",
      chunked: ["a"],
      trailers: [["X-T", "first"]],
    });
    expect(response.trailers).toEqual([
      ["x-own", "1"],
      ["x-count", "1"],
      ["x-trail", "<first>"],
    ]);
    const { trailers } = await (await upstream.request(index)).message;
    expect(trailers).toEqual([
      ["x-t", "first"],
      ["x-t", "second"],
    ]);
    const own = / ends features: ((?:log|done|delete) (\d+).*)$/;
    const events = await proxy.log.waitFor((lines) => {
      const found = lines.flatMap(({ message }) => own.exec(message)?.[1] ?? []);
      return found.length < 3 ? undefined : found;
    }, "the end");
    const id = own.exec(` ends features: ${events[0]}`)![2];
    expect(events).toEqual([`log ${id}: </ends> 200 true`, `done ${id}: null`, `delete ${id}`]);
  });

  describe("calls", () => {
    test("the answer resumes the request that waits for it", async () => {
      upstream.handler = async (request, reply) => {
        await request.message;
        reply.send({ body: "ok" });
      };
      auth.handler = (_, reply) => reply.send({ status: 200, headers: [["X-Auth", "yes"]], body: "come in" });
      const answers = await Promise.all(["/1", "/2", "/3"].map((path) => ask("calls", { path })));
      expect(answers.map((answer) => answer.header("x-answer"))).toEqual([
        "/1 200 come in <yes>",
        "/2 200 come in <yes>",
        "/3 200 come in <yes>",
      ]);
    });

    test("the answer denies it", async () => {
      auth.handler = (_, reply) => reply.send({ status: 401, body: "no" });
      const response = await ask("calls", { path: "/no" });
      expect([response.status, response.text]).toEqual([403, "denied"]);
      expect(response.header("x-answer")).toBe("/no 401 no null");
    });

    test("an unknown cluster is a status, not a trap", async () => {
      const response = await ask("calls", { headers: [["X-Cluster", "nowhere"]] });
      expect([response.status, response.text]).toEqual([500, "not sent: 2"]);
    });

    test("an answer that breaks off is a failure", async () => {
      auth.handler = (_, reply) => {
        reply.head(200, [["Content-Length", "10"]]);
        reply.abort();
      };
      const response = await ask("calls");
      expect([response.status, response.text.split(" ")[0]]).toEqual([502, "failed"]);
    });
  });

  test("properties: typed, by path, missing", async () => {
    const response = await ask("properties", { path: "/p?q=1", headers: [["X-A", "1"]] });
    const seen = Object.fromEntries(response.headers.filter(([name]) => name.startsWith("x-")));
    expect(seen).toMatchObject({
      "x-path": "</p?q=1>",
      "x-url-path": "</p>",
      "x-query": "<q=1>",
      "x-method": "<GET>",
      "x-header": "<1>",
      "x-none": "null",
      "x-raw-none": "null",
      "x-int": String(proxy.port("properties")),
      "x-mtls": "false",
      "x-mine": "<kept>",
      "x-root": "<properties>",
      "x-literal": "<request.path>",
    });
  });

  test("two plugins in one VM: every stream reaches the configuration of its own", async () => {
    const texts = await Promise.all(
      ["limit-a", "limit-b", "limit-a"].map(async (name) => (await ask(name)).text),
    );
    expect(texts).toEqual(["limit:a", "limit:b", "limit:a"]);
  });

  test("metrics: tags, nested use, values, and the cap on series", async () => {
    for (const kind of ["one", "two", "three;.;=.=", "four", "five", "one"])
      await ask("metrics", { headers: [["X-Kind", kind]] });
    const stats = await proxy.admin("/stats?filter=sdk_");
    const value = (name: string) =>
      stats
        .split("\n")
        .find((line) => line.startsWith(`wasmcustom.${name}: `))
        ?.split(": ")[1];
    expect(value("method=.=GET;.;kind=.=one;.;sdk_requests_total")).toBe("2");
    expect(value("method=.=GET;.;kind=.=two;.;sdk_requests_total")).toBe("1");
    expect(value("method=.=GET;.;kind=.=three;_;=_=;.;sdk_requests_total")).toBe("1");
    expect(value("method=.=other;.;kind=.=other;.;sdk_requests_total")).toBe("2");
    expect(value("kind=.=nested;.;sdk_inner_total")).toBe("6");
    expect(value("sdk_plain_total")).toBe("12");
    expect(value("sdk_size")).toBe("5");
    expect((await ask("metrics")).text).toBe("14 5");
  });

  test("shared data: an update is retried, a stale one refused", async () => {
    expect((await ask("shared")).text).toBe("0 1 8 true");
    expect((await ask("shared")).text).toBe("0 2 8 true");
  });

  test("timers and queues: a tick lets waiting requests go on, an item reaches its queue", async () => {
    expect((await ask("ticker")).status).toBe(200);
    await proxy.log.waitFor(
      (lines) => lines.find(({ message }) => message.endsWith("queue: item")),
      "the item",
    );
  });

  test("local responses: for gRPC, for others, of any bytes", async () => {
    const grpc = await ask("denied", { headers: [["Content-Type", "application/grpc"]] });
    expect([
      grpc.status,
      grpc.header("grpc-status"),
      grpc.header("grpc-message"),
      grpc.header("x-why"),
    ]).toEqual([200, "7", "not you", "rule"]);
    const plain = await ask("denied");
    expect([plain.status, plain.text, plain.header("x-why")]).toEqual([403, "not you", "rule"]);
    const bytes = await ask("denied", { headers: [["X-Bytes", "1"]] });
    expect(bytes.body).toEqual(Buffer.from("ab\xff\0", "latin1"));
  });

  test("globals: console, trace, clocks and random", async () => {
    expect((await ask("globals")).text).toBe("sane");
    const wanted = [
      "info console.log",
      "warning console.warn",
      "error console.error",
      "error assertion failed: console.assert",
    ];
    for (const want of [...wanted, "info info is on: true, trace: false"]) {
      await proxy.log.waitFor(
        (lines) =>
          lines.find(
            ({ level, message }) =>
              want.startsWith(level) && message.endsWith(`: ${want.slice(level.length + 1)}`),
          ),
        want,
      );
    }
    expect(proxy.log.lines.filter(({ message }) => / (below|trace 1)/.test(message))).toEqual([]);
  });
});

describeEngines("SDK logging", (engine) => {
  test.each([
    [LogLevel.Error, 2],
    [LogLevel.Info, 4],
    [LogLevel.Debug, 5],
  ])("at level %i messages below it are not built", async (logLevel, built) => {
    const proxy = await engine.start(bootstrap([{ listener: "lines", rootId: "lines" }], 9, 9), { logLevel });
    // The arrow function is one expression: its message is built whatever the level.
    expect((await exchange(proxy.port())).text).toBe(String(built));
  });
});

describeEngines("SDK refusals", (engine) => {
  test("a configuration the root refuses", async () => {
    await expectRefusal(
      engine,
      { listener: "x", rootId: "limit", configuration: "bad \0 config" },
      "configuration refused: bad \0 config is not a limit",
    );
  });

  test("a configuration the root refuses without a reason", async () => {
    await expectRefusal(
      engine,
      { listener: "x", rootId: "limit", configuration: "bad without a reason" },
      "configuration refused: no reason given",
    );
  });

  test("an unknown root_id, with the names there are", async () => {
    await expectRefusal(
      engine,
      { listener: "x", rootId: "nobody" },
      'root_id "nobody" is unknown; registered: headers, bodies, calls, properties, limit, metrics, shared, ticker, globals, ends, trap, denied, lines',
    );
  });

  test("an empty root_id when several filters are registered", async () => {
    await expectRefusal(engine, { listener: "x" }, 'root_id "" is unknown; registered: headers, ');
  });
});

describeEngines("SDK traps", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    proxy = await engine.start(
      bootstrap([{ listener: "trap", rootId: "trap" }], upstream.port, upstream.port),
    );
  });
  afterAll(() => upstream?.close());

  test("a local response with headers and details, then a throw: message, file and line at critical", async () => {
    const response = await exchange(proxy.port());
    expect([response.status, response.text, response.header("x-kind")]).toEqual([418, "a pot", "tea"]);
    expect((await exchange(proxy.port(), { headers: [["X-Throw", "1"]] })).status).toBe(503);
    const source = await readFile(new URL("../guests/features.ts", import.meta.url), "utf8");
    const line = source.split("\n").findIndex((text) => text.includes("throw new Error")) + 1;
    await proxy.log.waitFor(
      (lines) =>
        lines.find(
          ({ level, message }) =>
            level === "critical" &&
            message.includes(`: abort: on purpose at test/sdk/guests/features.ts:${line}:`),
        ),
      "the abort",
    );
  });
});

/** The proxy must not start, and its log must say why. */
async function expectRefusal(
  engine: EngineUnderTest,
  plugin: PluginUnderTest,
  reason: string,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "sdk-refusal-"));
  const configPath = join(dir, "envoy.json");
  const log: string[] = [];
  try {
    await writeFile(configPath, JSON.stringify(bootstrap([plugin], 9, 9)));
    const proxy = await loadEngine(engine.name);
    await expect(proxy.start({ configPath, writeLog: (line) => log.push(line) })).rejects.toThrow();
  } finally {
    await rm(dir, { recursive: true });
  }
  expect(log.join("")).toContain(reason);
}

describeEngines("SDK configuration", (engine) => {
  const tree = {
    text: 'a "quoted" \\ line\n\u0007 \u00e9\u{1f600}',
    number: 12,
    negative: -0.25,
    big: 1e21,
    yes: true,
    no: false,
    nothing: null,
    list: [1, "two", [], {}, [null]],
    deep: { er: { est: {} } },
    "": "empty name",
  };

  test("JSON text and a Struct give the same tree", async () => {
    wasm = await buildGuest("config");
    const struct = { "@type": "type.googleapis.com/google.protobuf.Struct", value: tree };
    const proxy = await engine.start(
      bootstrap(
        [
          { listener: "text", configuration: JSON.stringify(tree) },
          { listener: "struct", configuration: struct },
          { listener: "newline", configuration: '\n{"a": 1}' },
          { listener: "none" },
        ],
        9,
        9,
      ),
    );
    const text = async (listener: string) => (await exchange(proxy.port(listener))).body.toString();
    expect(JSON.parse(await text("text"))).toEqual(tree);
    expect(JSON.parse(await text("struct"))).toEqual(tree);
    expect(await text("newline")).toBe('\n{"a": 1}');
    expect(await text("none")).toBe("");
  });
});
