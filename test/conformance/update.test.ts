import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import * as build from "../support/bootstrap";
import { EngineUnderTest, type ProxyUnderTest } from "../support/describe-engines";
import { guest } from "../support/guests";
import { exchange } from "../support/raw-client";

/**
 * Configuration updates reach Envoy through xDS, here a file. The Node engine has no xDS: test/host/plugin/update.test.ts
 * shows the same sequences there.
 */
describe.skipIf(inject("envoy") === undefined)("Configuration update [envoy]", () => {
  const engine = new EngineUnderTest("envoy");
  const folders: string[] = [];
  afterAll(async () => {
    await engine.cleanUp();
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  });

  async function start(script: string) {
    const folder = await mkdtemp(join(tmpdir(), "proxy-wasm-lds-"));
    folders.push(folder);
    const file = join(folder, "lds.json");
    const wasm = await guest("puppet");
    const write = async (configuration: string) => {
      const listener = build.httpListener({
        name: "l",
        filters: [build.wasmFilter({ name: "p", rootId: "r", vmId: "vm", wasm, configuration })],
        routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
      });
      const type = "type.googleapis.com/envoy.config.listener.v3.Listener";
      const text = JSON.stringify({ resources: [{ "@type": type, ...listener }] });
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    };
    await write(`trace\n${script}`);
    const proxy = await engine.start({
      node: { id: "n", cluster: "c" },
      admin: { address: build.socketAddress(0) },
      dynamic_resources: { lds_config: { path_config_source: { path: file }, resource_api_version: "V3" } },
    });
    return { proxy, update: (next: string) => write(`trace\n${next}`) };
  }

  const lines = (proxy: ProxyUnderTest) =>
    proxy.log.lines
      .filter((l) => l.component === "wasm" && l.message.startsWith("wasm log "))
      .map((l) => l.message.replace(/^wasm log .*?: (?:> )?/, "").replace(/^(\w+ \d+).*/, "$1"));

  /** All lines so far, once the last of them is this one the given time. */
  function until(proxy: ProxyUnderTest, last: string, times: number): Promise<string[]> {
    const arrived = () => lines(proxy).filter((line) => line === last).length >= times;
    return proxy.log.waitFor(() => (arrived() ? lines(proxy) : undefined), `${times} times ${last}`);
  }

  const STARTED = (root: number) => [`context_create ${root}`, `vm_start ${root}`, `configure ${root}`];
  const answers = (text: string) => `on request_headers\n reply 200 '' ${text} -1`;

  test("a canary, then a new root in each live instance; what is refused leaves the old one serving", async () => {
    const { proxy, update } = await start(answers("one"));
    const served = async () => (await exchange(proxy.port("l"))).body.toString();
    expect(await until(proxy, "configure 1", 3)).toEqual([...STARTED(1), ...STARTED(1), ...STARTED(1)]);
    expect(await served()).toBe("one");
    const before = (await until(proxy, "delete 2", 1)).length;
    await update(answers("two"));
    // Canary, main thread, worker; there the stream has had a number. The old listener drains for ten minutes.
    // Main thread and worker start side by side.
    await until(proxy, "configure 2", 1);
    const updated = (await until(proxy, "configure 3", 1)).slice(before);
    for (const root of [1, 2, 3])
      expect(updated.filter((line) => line.endsWith(` ${root}`))).toEqual(STARTED(root));
    expect(updated.slice(0, 3)).toEqual(STARTED(1));
    await expect.poll(served).toBe("two");
    await update("on configure\n return 0");
    await until(proxy, "configure 1", 5);
    expect(await served()).toBe("two");
  });
});
