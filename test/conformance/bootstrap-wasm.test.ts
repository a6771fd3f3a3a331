import { expect, test } from "vitest";
import { ProxyWasmError } from "../../host/errors";
import * as build from "../support/bootstrap";
import { describeEngines, type EngineUnderTest, type ProxyUnderTest } from "../support/describe-engines";
import { guest } from "../support/guests";
import { exchange } from "../support/raw-client";

/** A proxy with plugins beside its listener: name, script, and more of the service. */
async function start(
  engine: EngineUnderTest,
  services: readonly (readonly [name: string, script: string, more?: build.Json])[],
  filter?: string,
): Promise<ProxyUnderTest> {
  const wasm = await guest("puppet");
  const plugin = (name: string, configuration: string) => ({
    name,
    rootId: name,
    vmId: "vm",
    wasm,
    configuration,
  });
  return engine.start(
    build.bootstrap({
      listeners: [
        build.httpListener({
          name: "l",
          filters: filter === undefined ? [] : [build.wasmFilter(plugin("filter", filter))],
          routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
        }),
      ],
      clusters: [build.cluster("dead", 1)],
      more: {
        bootstrap_extensions: services.map(([name, script, more]) =>
          build.wasmService(plugin(name, script), more),
        ),
      },
    }),
  );
}

/** What one plugin has logged, once it has logged `last` so many times. */
function logged(proxy: ProxyUnderTest, name: string, last: string, times: number): Promise<string[]> {
  const prefix = `wasm log ${name} vm: `;
  return proxy.log.waitFor((lines) => {
    const own = lines.filter((l) => l.message.startsWith(prefix)).map((l) => l.message.slice(prefix.length));
    return own.filter((message) => message === last).length >= times ? own : undefined;
  }, `${times} times "${last}" of ${name}`);
}

async function refused(run: Promise<unknown>): Promise<boolean> {
  try {
    await run;
    return false;
  } catch (error) {
    if (error instanceof ProxyWasmError) return true;
    throw error;
  }
}

const START = ["> context_create 1 0", "> vm_start 1 0"];

describeEngines("Bootstrap extension wasm", (engine) => {
  for (const [what, more, times] of [
    ["a service is configured in a canary, on the main thread and on the worker", {}, 3],
    ["a singleton in a canary and on the main thread alone", { singleton: true }, 2],
  ] as const)
    test(what, async () => {
      const proxy = await start(engine, [
        ["service", "trace\non configure\n id = prop plugin_root_id", more],
      ]);
      await logged(proxy, "service", "id=0 service", times);
      expect((await exchange(proxy.port())).status).toBe(200);
      const lines = await logged(proxy, "service", "id=0 service", times);
      const once = [
        ...START,
        `> configure 1 ${"trace\non configure\n id = prop plugin_root_id".length}`,
        "id=0 service",
      ];
      expect(lines).toEqual(Array.from({ length: times }, () => once).flat());
    });

  test("it has timers and calls, and shares data with the filters of its VM id", async () => {
    const script = `
      on configure
        tick 10
        set-shared key from-service 0
      on tick
        tick 0
        path = prop request path
        node = prop xds node id
        call dead 1000 '' :path / :method GET :authority x
      on http_call_response
        status = get 6 :status`;
    const proxy = await start(
      engine,
      [["service", script, { singleton: true }]],
      "on request_headers\n v = shared key",
    );
    const lines = await logged(proxy, "service", "status=0 503", 1);
    expect(lines).toEqual(["path=1", "node=0 test-node", "status=0 503"]);
    await exchange(proxy.port());
    await proxy.log.waitFor(
      (all) => all.find((l) => l.message === "wasm log filter filter vm: v=0 from-service"),
      "the shared value",
    );
  });

  test("plugins of the filters start first; services of one VM share its instance on the main thread", async () => {
    const proxy = await start(
      engine,
      [
        ["one", "trace", { singleton: true }],
        ["two", "trace", { singleton: true }],
      ],
      "trace",
    );
    await logged(proxy, "two", "> configure 3 5", 1);
    const lines = proxy.log.lines
      .filter((l) => l.message.startsWith("wasm log ") && l.message.includes("configure"))
      .map((l) => l.message.slice("wasm log ".length));
    // Canary and main thread each, then the filter's worker.
    expect(lines).toEqual([
      ...["filter vm: > configure 1 5", "filter vm: > configure 1 5"],
      ...["one vm: > configure 1 5", "one vm: > configure 2 5"],
      ...["two vm: > configure 1 5", "two vm: > configure 3 5"],
      "filter vm: > configure 1 5",
    ]);
  });

  test("a trap in its timer fails its VM on the main thread, not the filters on the worker", async () => {
    const proxy = await start(
      engine,
      [["service", "on configure\n tick 10\non tick\n n = set x\n trap", { singleton: true }]],
      "",
    );
    await logged(proxy, "service", "n=0 x", 1);
    expect((await exchange(proxy.port())).status).toBe(200);
  });

  for (const [what, script] of [
    ["a service that refuses its configuration", "on configure\n return 0"],
    ["a service that traps in it", "on configure\n trap"],
  ] as const)
    for (const more of [{}, { singleton: true }])
      test(`${what} does not let the proxy start, ${JSON.stringify(more)}`, async () => {
        expect(await refused(start(engine, [["service", script, more]]))).toBe(true);
      });

  test("on shutdown its root is told: done, then delete", async () => {
    const proxy = await start(engine, [["service", "trace", { singleton: true }]]);
    await proxy.running.stop(0);
    const lines = await logged(proxy, "service", "> delete 1", 1);
    expect(lines.slice(-2)).toEqual(["> done 1", "> delete 1"]);
  });
});
