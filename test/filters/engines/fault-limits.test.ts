import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, EngineUnderTest, type ProxyUnderTest } from "../../support/describe-engines";
import { RawClient } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import { moduleFile } from "../support/module-file";
import { faultRoutes, type HttpEntry, nativeFaultFilter } from "../support/native-fault";
import { probe } from "../support/subjects";

const TO_APP = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
const always = { percentage: { value: 100 } };
const at = (path: string, fault: HttpEntry["fault"]): HttpEntry => ({
  match: [{ uri: { exact: path } }],
  fault: fault!,
});
const ENTRIES: HttpEntry[] = [
  at("/short", { delay: { ...always, fixedDelay: "0.001s" } }),
  at("/long", { delay: { ...always, fixedDelay: "3600s" } }),
  at("/abort", { abort: { ...always, httpStatus: 418 } }),
  at("/both", {
    delay: { ...always, fixedDelay: "3600s" },
    abort: { ...always, httpStatus: 418 },
  }),
  at("/short-both", {
    delay: { ...always, fixedDelay: "0.001s" },
    abort: { ...always, httpStatus: 418 },
  }),
  at("/short-paced", {
    delay: { ...always, fixedDelay: "0.001s" },
    responseRateLimit: { ...always, limitKbps: 1 },
  }),
  at("/all", {
    delay: { ...always, fixedDelay: "3600s" },
    abort: { ...always, httpStatus: 418 },
    responseRateLimit: { ...always, limitKbps: 1 },
  }),
];
/** Where the app never answers. */
const SLOW = ["/short", "/short-paced"];
const LOG_FORMAT = {
  wasm: "%REQ(:PATH)% %FILTER_STATE(wasm.smf_fault:PLAIN)%\n",
  native: "%REQ(:PATH)% %RESPONSE_FLAGS%\n",
};

let fault: string;
let mark: string;
beforeAll(async () => {
  [fault, mark] = await Promise.all([
    moduleFile("filters/fault"),
    moduleFile("test/filters/guests/fault-mark"),
  ]);
});

function ours(config: object): build.Json {
  const configuration = JSON.stringify(config);
  return build.wasmFilter({ name: "fault", wasm: fault, rootId: "fault", vmId: "fault", configuration });
}

/** An access log in a file. */
function fileLog(path: string, format: string): build.Json {
  return {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
      log_format: { text_format_source: { inline_string: format } },
    },
  };
}

/** What one subject shows of its counts: delays, aborts, overflows, active ones. */
const NAMES = ["delays_injected", "aborts_injected", "faults_overflow", "active_faults"];
function counter(proxy: ProxyUnderTest, prefix: string): () => Promise<number[]> {
  return () => Promise.all(NAMES.map((name) => proxy.stat(prefix + name)));
}

/** One script for every subject; whatever Envoy's own filter says, ours has to. */
function limits(subject: {
  port: () => number;
  upstream: () => RawUpstream;
  counts: () => Promise<number[]>;
}) {
  const eventually = (counts: number[]) => expect.poll(subject.counts, { timeout: 5000 }).toEqual(counts);
  const open = async (path: string) => {
    const client = await RawClient.connect(subject.port());
    client.send({ path });
    return client;
  };
  const status = async (path: string) => (await probe(subject.port(), [{ path }]))[0]!.status;

  test("no more than two at a time", async () => {
    const first = await open("/long");
    await eventually([1, 0, 0, 1]);
    const second = await open("/both");
    await eventually([2, 0, 0, 2]);
    expect(await status("/long")).toBe(200);
    await eventually([2, 0, 1, 2]);
    expect(await status("/abort")).toBe(200);
    await eventually([2, 0, 2, 2]);
    // Neither its delay nor its abort finds room.
    expect(await status("/both")).toBe(200);
    await eventually([2, 0, 4, 2]);
    first.reset();
    await eventually([2, 0, 4, 1]);
    expect(await status("/abort")).toBe(418);
    await eventually([2, 1, 4, 1]);
    second.reset();
    await eventually([2, 1, 4, 0]);
    expect(await status("/short-both")).toBe(418);
    await eventually([3, 2, 4, 0]);
  });

  test("five at once, and room for two", async () => {
    const [delays = 0, aborts = 0, overflow = 0] = await subject.counts();
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(subject.port())));
    for (const client of clients) client.send({ path: "/long" });
    await eventually([delays + 2, aborts, overflow + 3, 2]);
    const answers = clients.map((client) =>
      client.response().then(
        ({ status }) => status,
        () => "none",
      ),
    );
    await expect
      .poll(
        async () =>
          (await Promise.all(answers.map((each) => Promise.race([each, 0])))).filter(
            (status) => status === 200,
          ).length,
      )
      .toBe(3);
    for (const client of clients) client.reset();
    await eventually([delays + 2, aborts, overflow + 3, 0]);
  });

  test("fifty clients leave during their delay, two at a time", async () => {
    const [delays = 0, aborts = 0, overflow = 0] = await subject.counts();
    for (let i = 1; i <= 25; i++) {
      const pair = [await open("/long"), await open("/both")];
      await eventually([delays + 2 * i, aborts, overflow, 2]);
      for (const client of pair) client.reset();
      await eventually([delays + 2 * i, aborts, overflow, 0]);
    }
  });

  test("a mere delay counts until it is over", async () => {
    const before = subject.upstream().requests.length;
    const [delays = 0, aborts = 0, overflow = 0] = await subject.counts();
    const waiting = await open("/short");
    await expect.poll(() => subject.upstream().requests.length, { timeout: 5000 }).toBe(before + 1);
    await eventually([delays + 1, aborts, overflow, 0]);
    waiting.reset();
  });

  test("one with a slow response counts until it ends, and each of its faults may find no room", async () => {
    const before = subject.upstream().requests.length;
    const [delays = 0, aborts = 0, overflow = 0] = await subject.counts();
    const paced = [await open("/short-paced"), await open("/short-paced")];
    await expect.poll(() => subject.upstream().requests.length, { timeout: 5000 }).toBe(before + 2);
    await eventually([delays + 2, aborts, overflow, 2]);
    expect(await status("/all")).toBe(200);
    await eventually([delays + 2, aborts, overflow + 3, 2]);
    for (const client of paced) client.reset();
    await eventually([delays + 2, aborts, overflow + 3, 0]);
  });
}

function startUpstream(): Promise<RawUpstream> {
  return RawUpstream.start((request, reply) => {
    if (!SLOW.includes(request.path)) reply.send({ body: "ok" });
  });
}

describe.skipIf(!inject("envoy"))("Envoy's own max_active_faults", () => {
  const engine = new EngineUnderTest("envoy");
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await startUpstream();
    const routes = faultRoutes(ENTRIES, "app", { max_active_faults: 2 });
    const listener = build.httpListener({ name: "native", filters: [nativeFaultFilter()], routes });
    proxy = await engine.start(
      build.bootstrap({ listeners: [listener], clusters: [build.cluster("app", upstream.port)] }),
    );
  });
  afterAll(async () => {
    await engine.cleanUp();
    await upstream.close();
  });
  limits({
    port: () => proxy.port(),
    upstream: () => upstream,
    counts: () => counter(proxy, "http.native.fault.")(),
  });
});

describeEngines("fault: active faults", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    upstream = await startUpstream();
    const filters = [ours({ http: ENTRIES, maxActiveFaults: 2 })];
    const listener = build.httpListener({ name: "limited", filters, routes: TO_APP });
    proxy = await engine.start(
      build.bootstrap({ listeners: [listener], clusters: [build.cluster("app", upstream.port)] }),
    );
  });
  afterAll(() => upstream.close());

  limits({
    port: () => proxy.port(),
    upstream: () => upstream,
    counts: () => counter(proxy, "wasmcustom.wasm_fault_")(),
  });

  test("Prometheus sees them under their own names", async () => {
    const text = await proxy.admin("/stats/prometheus");
    for (const name of NAMES) expect(text).toMatch(new RegExp(`^wasm_fault_${name}(\\{\\})? \\d+$`, "m"));
  });
});

describeEngines("fault: the mark", (engine) => {
  test("another plugin sees what was injected", async () => {
    const upstream = await RawUpstream.start();
    const window = build.wasmFilter({ name: "mark", wasm: mark, rootId: "fault-mark", vmId: "mark" });
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({ name: "marked", filters: [window, ours({ http: ENTRIES })], routes: TO_APP }),
        ],
        clusters: [build.cluster("app", upstream.port)],
      }),
    );
    const paths = ["/", "/short", "/abort", "/short-both"];
    const answers = await probe(
      proxy.port(),
      paths.map((path) => ({ path })),
    );
    const marks = answers.map(({ headers }) => headers.find(([name]) => name === "x-mark")?.[1]);
    expect(marks).toEqual(["-", "DI", "FI", "DI,FI"]);
    await upstream.close();
  });

  test("an access log sees it", async () => {
    const upstream = await RawUpstream.start();
    const http = [
      ...ENTRIES,
      at("/shaped", {
        delay: { ...always, fixedDelay: "0.001s" },
        responseRateLimit: { ...always, limitKbps: 1000 },
        truncate: { ...always, afterBytes: 1 },
      }),
    ];
    const logger = await moduleFile("test/filters/guests/fault-log");
    const access_log = [build.wasmAccessLog({ name: "log", wasm: logger, rootId: "fault-log", vmId: "log" })];
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "l",
            filters: [ours({ http })],
            routes: TO_APP,
            manager: { access_log },
          }),
        ],
        clusters: [build.cluster("app", upstream.port)],
      }),
    );
    const marks = {
      "/": "-",
      "/short": "DI",
      "/abort": "FI",
      "/short-both": "DI,FI",
      "/shaped": "response_rl,truncate,DI",
    };
    await probe(
      proxy.port(),
      Object.keys(marks).map((path) => ({ path })),
    );
    for (const [path, mark] of Object.entries(marks)) {
      const line = `logged ${path} ${mark}`;
      await proxy.log.waitFor((lines) => lines.find(({ message }) => message.endsWith(line)), line);
    }
    await upstream.close();
  });
});

describe.skipIf(!inject("envoy"))("fault in Envoy", () => {
  const engine = new EngineUnderTest("envoy");
  afterAll(() => engine.cleanUp());

  test("access logs show our mark where they show its response flags", async () => {
    const upstream = await RawUpstream.start();
    const subjects = {
      wasm: { filter: ours({ http: ENTRIES }), routes: TO_APP },
      native: { filter: nativeFaultFilter(), routes: faultRoutes(ENTRIES, "app") },
    };
    const names = ["wasm", "native"] as const;
    const dir = await mkdtemp(join(tmpdir(), "fault-log-"));
    const listeners = names.map((name) =>
      build.httpListener({
        name,
        filters: [subjects[name].filter],
        routes: subjects[name].routes,
        manager: { access_log: [fileLog(join(dir, name), LOG_FORMAT[name])] },
      }),
    );
    const proxy = await engine.start(
      build.bootstrap({ listeners, clusters: [build.cluster("app", upstream.port)] }),
    );
    const paths = ["/", "/short", "/abort", "/short-both"];
    for (const name of names) {
      await probe(
        proxy.port(name),
        paths.map((path) => ({ path })),
      );
    }
    // Envoy writes what its logs hold when it ends.
    await proxy.running.stop();
    for (const name of names) {
      const log = await readFile(join(dir, name), "utf8");
      expect(log).toBe("/ -\n/short DI\n/abort FI\n/short-both DI,FI\n");
    }
    await upstream.close();
    await rm(dir, { recursive: true });
  });

  test("all workers share one limit", async () => {
    const upstream = await RawUpstream.start();
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "workers",
            filters: [ours({ http: ENTRIES, maxActiveFaults: 5 })],
            routes: TO_APP,
          }),
        ],
        clusters: [build.cluster("app", upstream.port)],
      }),
      { concurrency: 2 },
    );
    const counts = counter(proxy, "wasmcustom.wasm_fault_");
    const held: RawClient[] = [];
    for (let i = 1; i <= 5; i++) {
      const client = await RawClient.connect(proxy.port());
      client.send({ path: "/long" });
      held.push(client);
      await expect.poll(counts, { timeout: 5000 }).toEqual([i, 0, 0, i]);
    }
    const passed = await Promise.all(
      Array.from({ length: 20 }, () => probe(proxy.port(), [{ path: "/long" }])),
    );
    expect(passed.flat().filter(({ status }) => status === 200)).toHaveLength(20);
    for (const client of held) client.reset();
    await expect.poll(counts, { timeout: 5000 }).toEqual([5, 0, 20, 0]);
    await upstream.close();
  });
});
