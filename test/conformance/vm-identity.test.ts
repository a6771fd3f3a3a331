import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import * as build from "../support/bootstrap";
import { describeEngines, type EngineUnderTest, type ProxyUnderTest } from "../support/describe-engines";
import { guest } from "../support/guests";
import { exchange } from "../support/raw-client";

type Plugin = Partial<build.WasmFilter> & { script?: string };

/** One listener, with its filters; `direction` is its traffic direction. */
interface Chain {
  name: string;
  filters?: readonly Plugin[];
  loggers?: readonly Plugin[];
  direction?: string;
}

async function start(
  engine: EngineUnderTest,
  chains: readonly Chain[],
  files: Record<string, Uint8Array> = {},
): Promise<ProxyUnderTest> {
  const puppet = await guest("puppet");
  const plugin = ({ script = "trace", ...more }: Plugin): build.WasmFilter => ({
    name: "p",
    rootId: "r",
    vmId: "vm",
    wasm: puppet,
    configuration: script,
    ...more,
  });
  const listeners = chains.map(({ name, filters = [], loggers = [], direction }) =>
    build.httpListener({
      name,
      filters: filters.map((f) => build.wasmFilter(plugin(f))),
      routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
      manager: {
        ...(loggers.length > 0 && { access_log: loggers.map((l) => build.wasmAccessLog(plugin(l))) }),
      },
      ...(direction !== undefined && { listener: { traffic_direction: direction } }),
    }),
  );
  return engine.start(build.bootstrap({ listeners, clusters: [] }), { files });
}

/** What plugins have logged so far, `root vm: message`. */
const wasmLines = (proxy: ProxyUnderTest) =>
  proxy.log.lines
    .filter((l) => l.component === "wasm" && l.message.startsWith("wasm log "))
    .map((l) => l.message.slice("wasm log ".length));

/** Ids of the root contexts in the order they came to be on the worker; everything before was canary and main thread. */
async function rootsOnWorker(proxy: ProxyUnderTest, count: number): Promise<string[]> {
  // The canary and the main thread have each made as many.
  const created = () => wasmLines(proxy).filter((line) => line.includes("> context_create"));
  await exchange(proxy.port());
  return created()
    .map((line) => /^(\S*) .*> context_create (\d+) 0$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => `${match[1]} ${match[2]}`)
    .slice(-count);
}

describeEngines("VM identity", (engine) => {
  const TWO: readonly [what: string, second: Plugin, roots: string[]][] = [
    ["two root ids in one VM: two roots in one instance", { rootId: "r2" }, ["r 1", "r2 2"]],
    ["two names", { name: "p2" }, ["r 1", "r 2"]],
    ["two configurations", { script: "trace\n" }, ["r 1", "r 2"]],
    ["another vm_id: another instance", { vmId: "vm2", rootId: "r2" }, ["r 1", "r2 1"]],
    [
      "another VM configuration: another instance",
      { rootId: "r2", vm: { configuration: build.stringValue("x") } },
      ["r 1", "r2 1"],
    ],
    [
      "other environment variables: another instance",
      { rootId: "r2", vm: { environment_variables: { key_values: { A: "b" } } } },
      ["r 1", "r2 1"],
    ],
    [
      "another failure policy: the same instance",
      { rootId: "r2", plugin: { failure_policy: "FAIL_OPEN" } },
      ["r 1", "r2 2"],
    ],
  ];
  for (const [what, second, roots] of TWO)
    test(what, async () => {
      const proxy = await start(engine, [{ name: "l", filters: [{}, second] }]);
      expect(await rootsOnWorker(proxy, 2)).toEqual(roots);
    });

  test("other code: another instance", async () => {
    const wasm = await readFile(await guest("puppet"));
    // The same module with an empty custom section called `x` at its end.
    const copy = Buffer.concat([wasm, Buffer.from([0, 2, 1, 0x78])]);
    const proxy = await start(
      engine,
      [{ name: "l", filters: [{}, { rootId: "r2", wasm: "@dir@/copy.wasm" }] }],
      { "copy.wasm": copy },
    );
    expect(await rootsOnWorker(proxy, 2)).toEqual(["r 1", "r2 1"]);
  });

  test("the same plugin twice, in one chain and in another listener: one root, a stream context for each", async () => {
    const proxy = await start(engine, [
      { name: "l", filters: [{}, {}] },
      { name: "m", filters: [{}] },
    ]);
    await exchange(proxy.port("m"));
    await exchange(proxy.port("l"));
    const lines = wasmLines(proxy);
    // Canary, main thread and worker.
    expect(lines.filter((l) => l.startsWith("r vm: > context_create"))).toHaveLength(3);
    const streams = await proxy.log.waitFor((all) => {
      const found = all.filter((l) => /> context_create \d+ 1$/.test(l.message));
      return found.length === 3 ? found : undefined;
    }, "three stream contexts");
    expect(streams.map((l) => l.message.replace(/.*create /, ""))).toEqual(["2 1", "3 1", "4 1"]);
  });

  test("the same plugin on listeners of two directions, and as access logger: one root", async () => {
    const proxy = await start(engine, [
      { name: "l", filters: [{}], loggers: [{}], direction: "INBOUND" },
      { name: "m", filters: [{}], direction: "OUTBOUND" },
    ]);
    // Canary, main thread and worker.
    expect(await rootsOnWorker(proxy, 4)).toEqual(["r 1", "r 1", "r 1"]);
  });

  const limits = (...names: string[]) => ({
    capability_restriction_config: { allowed_capabilities: Object.fromEntries(names.map((n) => [n, {}])) },
  });
  const NEEDED = [
    "proxy_log",
    "proxy_on_context_create",
    "proxy_on_request_headers",
    "proxy_get_buffer_bytes",
  ];

  test("plugins with other capabilities have another instance; their order does not matter", async () => {
    const script = "trace\non request_headers\n t = time\n l = log-level";
    const of = (rootId: string, ...names: string[]) => ({ rootId, script, plugin: limits(...names) });
    const proxy = await start(engine, [
      {
        name: "l",
        filters: [
          of("r", ...NEEDED, "proxy_get_log_level"),
          of("r2", ...NEEDED, "proxy_get_current_time_nanoseconds"),
          of("r3", "proxy_get_current_time_nanoseconds", ...NEEDED),
        ],
      },
    ]);
    expect(await rootsOnWorker(proxy, 3)).toEqual(["r 1", "r2 1", "r3 2"]);
    const statuses = () =>
      wasmLines(proxy).flatMap((line) => /^p (\S+) vm: ([tl]=\d+)/.exec(line)?.slice(1).join(" ") ?? []);
    // Envoy's log comes through a pipe.
    await expect.poll(statuses).toEqual(["r t=10", "r l=0", "r2 t=0", "r2 l=10", "r3 t=0", "r3 l=10"]);
  });

  const RELOAD = { failure_policy: "FAIL_RELOAD", reload_config: { backoff: { base_interval: "0.01s" } } };
  const BACKOFF_MS = 15;
  /** Statuses of the neighbour: while the VM works, after the trap, once the other has reloaded, once more. */
  const NEIGHBOURS: readonly [what: string, plugin: Plugin, statuses: number[]][] = [
    ["FAIL_CLOSED", {}, [200, 503, 503, 503]],
    ["FAIL_OPEN", { plugin: { failure_policy: "FAIL_OPEN" } }, [200, 200, 200, 200]],
    ["fail_open", { plugin: { fail_open: true } }, [200, 200, 200, 200]],
    ["FAIL_RELOAD and a long back-off", { plugin: { failure_policy: "FAIL_RELOAD" } }, [200, 503, 503, 503]],
    ["FAIL_CLOSED in another VM", { vmId: "vm2" }, [200, 200, 200, 200]],
  ];
  for (const [what, plugin, statuses] of NEIGHBOURS)
    test(`a plugin traps and reloads: its neighbour of ${what}`, async () => {
      const script = "on request_headers\n p = get 0 :path\n when $p /trap : trap";
      const proxy = await start(engine, [
        { name: "l", filters: [{ script, plugin: RELOAD }] },
        { name: "m", filters: [{ rootId: "r2", ...plugin }] },
      ]);
      const ask = async (listener: string, path = "/") =>
        (await exchange(proxy.port(listener), { path })).status;
      const seen = [await ask("m")];
      expect(await ask("l", "/trap")).toBe(503);
      seen.push(await ask("m"));
      // The back-off: real time must pass.
      await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS + 10));
      expect(await ask("l")).toBe(200);
      seen.push(await ask("m"), await ask("m"));
      expect(seen).toEqual(statuses);
    });

  test("two plugins of one VM that both reload share the fresh instance", async () => {
    const script = "trace\non request_headers\n p = get 0 :path\n when $p /trap : trap";
    const proxy = await start(engine, [
      { name: "l", filters: [{ script, plugin: RELOAD }] },
      { name: "m", filters: [{ rootId: "r2", script, plugin: RELOAD }] },
    ]);
    await exchange(proxy.port("l"), { path: "/trap" });
    // The back-off: real time must pass.
    await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS + 10));
    expect((await exchange(proxy.port("l"))).status).toBe(200);
    expect((await exchange(proxy.port("m"))).status).toBe(200);
    const created = () =>
      wasmLines(proxy)
        .filter((line) => line.includes("> context_create"))
        .map((line) => line.replace(/ vm: .*create/, ""));
    // Root of the one, its stream, root of the other, its stream; Envoy's log comes when it comes.
    await expect.poll(() => created().slice(-4)).toEqual(["r 1 0", "p r 2 1", "r2 3 0", "p r2 4 3"]);
  });

  for (const policy of ["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"])
    test(`what the worker refuses after the canary and the main thread is left out, ${policy}`, async () => {
      const script = `
        on configure
          v = shared k
          when $v two : return 0
          when $v one : set-shared k two 0
          when $v '' : set-shared k one 0
        on request_headers
          add 0 x-seen 1
          reply 403 x x -1`;
      const proxy = await start(engine, [
        { name: "l", filters: [{ script, plugin: { failure_policy: policy } }] },
      ]);
      expect((await exchange(proxy.port())).status).toBe(200);
      await expect.poll(() => wasmLines(proxy)).toEqual(["r vm: v=1", "r vm: v=0 one", "r vm: v=0 two"]);
    });
});
