import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../../../host/errors";
import { nodeEngine } from "../../../host/proxy/index";
import { bootstrap, httpListener, wasmFilter, wasmService } from "../../support/bootstrap";
import { guest } from "../../support/guests";

let puppet: string;
beforeAll(async () => {
  puppet = await guest("puppet");
}, 60_000);

interface File {
  a?: string;
  b?: string;
  service?: string;
  body?: string;
}

const adds = (name: string, value: string) => `on response_headers\n add 2 ${name} ${value}`;

/** Two filters in a chain, and a service beside it. */
const file = ({ a = adds("x-a", "1"), b = adds("x-b", "1"), service = "", body = "hi" }: File = {}) =>
  JSON.stringify(
    bootstrap({
      listeners: [
        httpListener({
          name: "main",
          filters: [
            wasmFilter({ name: "a", rootId: "a", vmId: "v", wasm: puppet, configuration: a }),
            wasmFilter({ name: "b", rootId: "b", vmId: "v", wasm: puppet, configuration: b }),
          ],
          routes: [
            { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: body } } },
          ],
        }),
      ],
      clusters: [],
      more: {
        bootstrap_extensions: [wasmService({ name: "s", wasm: puppet, configuration: service })],
      },
    }),
  );

async function start() {
  const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-reload-"));
  const configPath = join(dir, "envoy.json");
  const write = (wanted: File) => writeFileSync(configPath, file(wanted));
  write({});
  const proxy = await nodeEngine.start({ configPath, writeLog: () => {} });
  onTestFinished(async () => {
    await proxy.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    async reload(wanted: File) {
      write(wanted);
      return proxy.reload!();
    },
    async dumped() {
      const { host, port } = proxy.admin!;
      const dump = await fetch(`http://${host}:${port}/config_dump`, { headers: { connection: "close" } });
      return dump.text();
    },
    async body() {
      const url = `http://127.0.0.1:${proxy.listeners[0]!.port}/`;
      return (await fetch(url, { headers: { connection: "close" } })).text();
    },
    async seen() {
      const response = await fetch(`http://127.0.0.1:${proxy.listeners[0]!.port}/`, {
        headers: { connection: "close" },
      });
      await response.arrayBuffer();
      return [response.headers.get("x-a"), response.headers.get("x-b")];
    },
  };
}

describe("reload of the node engine", () => {
  test("swaps the plugins that are different, and says which", async () => {
    const { reload, seen, dumped } = await start();
    expect(await seen()).toEqual(["1", "1"]);
    expect(await reload({})).toEqual([]);
    expect(await reload({ b: adds("x-b", "2") })).toEqual(["b"]);
    expect(await seen()).toEqual(["1", "2"]);
    expect(await reload({ a: adds("x-a", "3"), b: adds("x-b", "3") })).toEqual(["a", "b"]);
    expect(await seen()).toEqual(["3", "3"]);
    expect(await dumped()).toContain("add 2 x-a 3");
  });

  test("when one plugin is refused none is swapped, and the place is named", async () => {
    const { reload, seen } = await start();
    const bad = reload({ a: adds("x-a", "2"), b: "on configure\n return 0" });
    await expect(bad).rejects.toThrow(ConfigError);
    await expect(bad).rejects.toThrow(/envoy\.json:\d+:\d+: .*http_filters\[1\].*plugin b .* refused/);
    expect(await seen()).toEqual(["1", "1"]);
    // What was prepared for a has gone, and does not come back by itself.
    expect(await reload({ b: adds("x-b", "2") })).toEqual(["b"]);
    expect(await seen()).toEqual(["1", "2"]);
  });

  test("puts other routes in place", async () => {
    const { reload, seen, body, dumped } = await start();
    expect(await reload({ body: "ho", b: adds("x-b", "2") })).toEqual(["b", "routes of main"]);
    expect(await body()).toBe("ho");
    expect(await seen()).toEqual(["1", "2"]);
    expect(await dumped()).toContain('"ho"');
    expect(await reload({ body: "ho", b: adds("x-b", "2") })).toEqual([]);
  });

  test("asks for a restart when services are different", async () => {
    const { reload, seen } = await start();
    expect(await reload({ service: "on tick" })).toBe("restart");
    expect(await seen()).toEqual(["1", "1"]);
  });
});
