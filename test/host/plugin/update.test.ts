import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { Plugin } from "../../../host/plugin/plugin";
import { HeaderMap } from "../../../host/stores/header-map";
import { VirtualClock } from "../../../host/testing/virtual-clock";
import { guest } from "../../support/guests";
import { exchange, InMemoryHost, openStream } from "../support/in-memory";

let module: Uint8Array;
beforeAll(async () => {
  module = await readFile(await guest("puppet"));
}, 60_000);

/** A plugin of the scripted guest; everything that happens to it is in the log. */
const puppet = (host: InMemoryHost, script: string, more = {}) =>
  host.load(module, { configuration: Buffer.from(`trace\n${script}`), ...more });

const update = (host: InMemoryHost, plugin: Plugin, script: string, more = {}) =>
  host.runtime.update(plugin, { ...plugin.config, configuration: Buffer.from(`trace\n${script}`), ...more });

/** What the guest has said since the last time: callbacks as `name context`. */
function said(host: InMemoryHost): string[] {
  return host.log
    .splice(0)
    .map((line) => /wasm log.*?: (?:> )?(.*)$/s.exec(line.trimEnd())?.[1] ?? line)
    .map((text) => text.replace(/^(\w+ \d+).*/, "$1"));
}

const STARTED = (root: number) => [`context_create ${root}`, `vm_start ${root}`, `configure ${root}`];
const STREAM = (id: number) =>
  ["context_create", "request_headers", "response_headers", "log", "done", "delete"].map(
    (name) => `${name} ${id}`,
  );
const GONE = (root: number) => [`done ${root}`, `delete ${root}`];

const start = (chain: ReturnType<typeof openStream>["chain"]) =>
  chain.requestHeaders(
    HeaderMap.of("request", [
      [":method", "GET"],
      [":path", "/"],
    ]),
    true,
  );

describe("configuration update", () => {
  test("a canary, then a new root in each live instance, then the old roots go", async () => {
    const host = new InMemoryHost();
    const plugin = await puppet(host, "on request_headers\n add 0 x-version 1");
    expect(said(host)).toEqual([...STARTED(1), ...STARTED(1), ...STARTED(1)]);
    expect(exchange(plugin).maps[0]!.get("x-version")).toBe("1");
    expect(said(host)).toEqual(STREAM(2));
    await update(host, plugin, "on request_headers\n add 0 x-version 2");
    // Canary, main thread, worker; there the stream has had a number.
    expect(said(host)).toEqual([...STARTED(1), ...STARTED(2), ...STARTED(3), ...GONE(1), ...GONE(1)]);
    expect(exchange(plugin).maps[0]!.get("x-version")).toBe("2");
    expect(said(host)).toEqual(STREAM(4));
    host.runtime.close();
    expect(said(host)).toEqual([...GONE(2), ...GONE(3)]);
  });

  test("streams under way stay with the old root, which goes after the last of them", async () => {
    const host = new InMemoryHost();
    const plugin = await puppet(host, "on request_headers\n add 0 x-version 1");
    const [one, two] = [openStream(plugin), openStream(plugin)];
    start(one.chain);
    start(two.chain);
    await update(host, plugin, "on request_headers\n add 0 x-version 2");
    said(host);
    for (const { chain } of [one, two])
      chain.responseHeaders(HeaderMap.of("response", [[":status", "200"]]), true);
    one.chain.finish();
    expect(said(host)).toEqual(["response_headers 2", "response_headers 3", "log 2", "done 2", "delete 2"]);
    two.chain.finish();
    expect(said(host)).toEqual(["log 3", "done 3", "delete 3", ...GONE(1)]);
    expect(exchange(plugin).maps[0]!.get("x-version")).toBe("2");
    host.runtime.close();
  });

  test("an old root that answers false to on_done stays until proxy_done", async () => {
    const clock = new VirtualClock();
    const host = new InMemoryHost({ clock });
    const plugin = await puppet(
      host,
      "on configure\n tick 10\non done\n return 0\non tick\n when $n 3 : done",
    );
    said(host);
    await update(host, plugin, "");
    expect(said(host)).toEqual([...STARTED(1), ...STARTED(2), ...STARTED(2), "done 1", "done 1"]);
    clock.advance(100);
    const later = said(host);
    expect(later.filter((line) => line === "delete 1")).toHaveLength(2);
    expect(later.filter((line) => line === "tick 1")).toHaveLength(6);
    host.runtime.close();
  });

  for (const [what, script] of [
    ["refused", "on configure\n return 0"],
    ["trapping", "on configure\n trap"],
  ] as const)
    test(`a ${what} update leaves the plugin serving as it was`, async () => {
      const host = new InMemoryHost();
      const plugin = await puppet(host, "on request_headers\n add 0 x-version 1");
      said(host);
      await expect(update(host, plugin, script)).rejects.toThrow(/refused its configuration|trapped/);
      expect(said(host).filter((line) => line.startsWith("done"))).toEqual([]);
      expect(exchange(plugin).maps[0]!.get("x-version")).toBe("1");
      // The same again is tried again.
      await expect(update(host, plugin, script)).rejects.toThrow(/refused its configuration|trapped/);
      await update(host, plugin, "on request_headers\n add 0 x-version 3");
      expect(exchange(plugin).maps[0]!.get("x-version")).toBe("3");
      host.runtime.close();
    });

  test("the same configuration again changes nothing", async () => {
    const host = new InMemoryHost();
    const plugin = await puppet(host, "");
    said(host);
    await update(host, plugin, "");
    expect(said(host)).toEqual([]);
    host.runtime.close();
  });

  test("a root that another plugin shares stays", async () => {
    const host = new InMemoryHost();
    const [one, two] = [await puppet(host, ""), await puppet(host, "")];
    said(host);
    await update(host, one, "on done\n x = set 1");
    expect(said(host)).toEqual([...STARTED(1), ...STARTED(2), ...STARTED(2)]);
    await update(host, two, "on done\n x = set 1");
    expect(said(host)).toEqual([...GONE(1), ...GONE(1)]);
    host.runtime.close();
  });

  test("another VM configuration: another instance, the old one's root goes", async () => {
    const host = new InMemoryHost();
    const plugin = await puppet(host, "");
    said(host);
    await update(host, plugin, "", { vmConfiguration: Buffer.from("x") });
    expect(said(host)).toEqual([...STARTED(1), ...STARTED(1), ...STARTED(1), ...GONE(1), ...GONE(1)]);
    exchange(plugin);
    expect(said(host)).toEqual(STREAM(2));
    host.runtime.close();
  });

  test("an update of a plugin whose VM has failed serves from a fresh instance", async () => {
    const host = new InMemoryHost();
    const plugin = await puppet(host, "on request_headers\n trap");
    exchange(plugin);
    expect(exchange(plugin).maps[0]?.get(":status")).not.toBe("200");
    said(host);
    await update(host, plugin, "on request_headers\n add 0 x-version 2");
    expect(exchange(plugin).maps[0]!.get("x-version")).toBe("2");
    host.runtime.close();
  });
});

describe("worker threads", () => {
  test("with three, a plugin is configured four times for good and once in the canary", async () => {
    const host = new InMemoryHost({ concurrency: 3 });
    await puppet(host, "");
    expect(said(host)).toEqual(Array.from({ length: 5 }, () => STARTED(1)).flat());
    host.runtime.close();
    expect(said(host)).toEqual(Array.from({ length: 4 }, () => GONE(1)).flat());
  });

  test("a singleton service has one instance", async () => {
    const host = new InMemoryHost({ concurrency: 3 });
    const { config } = await puppet(new InMemoryHost(), "");
    await host.runtime.loadService(config, true);
    expect(said(host)).toEqual([...STARTED(1), ...STARTED(1)]);
    host.runtime.close();
  });
});

describe("FAIL_RELOAD", () => {
  for (const [jitter, waited] of [
    [0, 100],
    [0.5, 125],
    [0.999, 150],
  ] as const)
    test(`the back-off is the base interval and ${jitter} of half of it again`, async () => {
      const clock = new VirtualClock();
      const host = new InMemoryHost({ clock, jitter: () => jitter });
      const plugin = await puppet(host, "on request_headers\n p = get 0 x-trap\n when $p 1 : trap", {
        failurePolicy: "fail-reload",
        reloadBackoffMs: 100,
      });
      const works = () => exchange(plugin).events.includes("request headers end");
      exchange(plugin, [["x-trap", "1"]]);
      clock.advance(waited - 1);
      expect(works()).toBe(false);
      clock.advance(1);
      expect(works()).toBe(true);
      host.runtime.close();
    });
});
