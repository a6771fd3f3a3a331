import { expect, test } from "vitest";
import { HOSTCALLS } from "../../host/abi/hostcalls";
import type { SignatureRow } from "../../host/abi/signature";
import { ABI_VERSIONS, type AbiVersion, inVersion } from "../../host/abi/version";
import { ProxyWasmError } from "../../host/errors";
import { stringValue } from "../support/bootstrap";
import { conformance } from "../support/conformance";
import { oneFilter } from "../support/one-filter";
import { exchange } from "../support/raw-client";
import { callbackExports, hostcallImports, tableModule } from "../support/table-module";

const rows = Object.entries<SignatureRow>(HOSTCALLS);
const without = (version: AbiVersion) =>
  rows.filter(([, row]) => !inVersion(version, row)).map(([name]) => name);

conformance("ABI versions", ({ behaviour, engine }) => {
  async function loads(file: string): Promise<boolean> {
    try {
      const proxy = await engine.start(oneFilter({ wasm: file }));
      return (await exchange(proxy.port())).status === 200;
    } catch (error) {
      if (error instanceof ProxyWasmError) return false;
      throw error;
    }
  }

  for (const version of ABI_VERSIONS) {
    test(`${version}: a module that imports every hostcall of the version loads`, async () => {
      expect(await loads(tableModule({ version, imports: hostcallImports(version) }))).toBe(true);
    });

    test(`${version}: a module that exports every callback of the version loads`, async () => {
      expect(await loads(tableModule({ version, exports: callbackExports(version) }))).toBe(true);
    });

    for (const name of without(version))
      test(`${version}: importing ${name} is a link error`, async () => {
        const [row] = hostcallImports().filter((entry) => entry.name === name);
        expect(await loads(tableModule({ version, imports: [row!] }))).toBe(false);
      });
  }

  for (const [version, other] of [
    ["0.1.0", "0.2.1"],
    ["0.2.1", "0.1.0"],
  ] as const)
    for (const callback of ["proxy_on_request_headers", "proxy_on_response_headers"])
      test(`${version}: ${callback} with the parameters of ${other} is refused`, async () => {
        const exports = callbackExports(other).filter(({ name }) => name === callback);
        expect(await loads(tableModule({ version, exports }))).toBe(false);
      });

  for (const { name, results } of callbackExports("0.2.1"))
    test(`${name} of a wrong type is refused`, async () => {
      const exports = [{ name, params: ["i64"], results }];
      expect(await loads(tableModule({ version: "0.2.1", exports }))).toBe(false);
    });

  test("two version markers: the first in export order counts", async () => {
    // A function of 0.1.0 links or not: that tells which version was chosen.
    const imports = hostcallImports().filter(({ name }) => name === "proxy_continue_request");
    const marker = (name: string) => ({ name: `proxy_abi_version_${name}`, params: [], results: [] });
    const [old, current] = [marker("0_1_0"), marker("0_2_1")];
    expect(await loads(tableModule({ version: "0.2.1", imports, exports: [old] }))).toBe(true);
    expect(await loads(tableModule({ version: "0.1.0", imports, exports: [current] }))).toBe(false);
  });

  test("the three control functions of 0.1.0 answer a status: importing them as void, as the specification has it, is a link error", async () => {
    const imports = [{ module: "env", name: "proxy_continue_request", params: [], results: [] }];
    expect(await loads(tableModule({ version: "0.1.0", imports }))).toBe(false);
  });

  test("a hostcall imported with another type is a link error", async () => {
    const imports = [{ module: "env", name: "proxy_log", params: ["i32", "i64", "i32"], results: ["i32"] }];
    expect(await loads(tableModule({ version: "0.2.1", imports }))).toBe(false);
  });

  behaviour(
    "0.1.0: headers callbacks are told the number of headers, not the end of the stream",
    {
      abi: "0.1.0",
      script: "trace\non request_headers\n c = set $count\non response_headers\n r = set $count",
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "x" });
      const seen = (await b.messages()).filter((m) => /^> \w+_headers/.test(m));
      expect(seen.map((m) => m.split(" ").length)).toEqual([4, 4]);
      expect(Number((await b.logged("c")).slice(2))).toBeGreaterThan(3);
    },
  );

  behaviour(
    "0.1.0: a missing header is Ok and empty; a map that is not there is BadArgument as ever",
    { abi: "0.1.0", script: "on request_headers\n m = get 0 x-none\n h = get 0 :path\n u = get 2 :status" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("m")).toBe("0");
      expect(await b.logged("h")).toBe("0 /");
      expect(await b.logged("u")).toBe("2");
    },
  );

  behaviour(
    "0.1.0: in on_log a map that is not there reads as empty, too",
    { abi: "0.1.0", script: "on log\n t = get 1 x-a\n s = get 2 :status\n m = get 2 x-none" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("t")).toBe("0");
      expect(await b.logged("s")).toBe("0 200");
      expect(await b.logged("m")).toBe("0");
    },
  );

  behaviour(
    "0.1.0: get_configuration is the plugin's where that can be read, else the VM's",
    {
      abi: "0.1.0",
      script:
        "on context_create\n c = configuration\non vm_start\n v = configuration\non configure\n p = configuration\n b = buffer 7 0 2\non request_headers\n r = configuration",
      vm: { configuration: stringValue("of-the-vm") },
    },
    async (b) => {
      await b.exchange();
      const all = await b.allLogged("c");
      expect(all[0]).toMatch(/^0 on context_create/);
      expect(all.at(-1)).toBe("0 of-the-vm");
      expect(await b.logged("v")).toBe("0 of-the-vm");
      expect(await b.logged("p")).toMatch(/^0 on context_create/);
      expect(await b.logged("b")).toBe("0 on");
      expect(await b.logged("r")).toBe("0 of-the-vm");
    },
  );

  behaviour(
    "0.1.0: continue_request resumes a paused request",
    {
      abi: "0.1.0",
      script:
        "on request_headers\n tick 10\n return 1\non tick\n tick 0\n effective $stream\n c = continue-request",
    },
    async (b) => {
      expect((await b.exchange({ method: "POST", body: "hello" })).text).toBe("ok");
      expect(await b.logged("c")).toBe("0");
      expect(await (await b.upstream.request()).body()).toBe("hello");
    },
  );

  behaviour(
    "0.1.0: continue_response resumes a paused response",
    {
      abi: "0.1.0",
      script:
        "on response_headers\n tick 10\n return 1\non tick\n tick 0\n effective $stream\n c = continue-response",
    },
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      expect(await b.logged("c")).toBe("0");
    },
  );

  behaviour(
    "0.1.0: clear_route_cache is Ok, on a root context too",
    {
      abi: "0.1.0",
      script: "on configure\n r = clear-route-cache\non request_headers\n s = clear-route-cache",
    },
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      expect(await b.logged("r")).toBe("0");
      expect(await b.logged("s")).toBe("0");
    },
  );

  behaviour(
    "0.2.0: missing headers are NotFound, streams are continued by number, callbacks know the end of the stream",
    {
      abi: "0.2.0",
      script:
        "trace\non request_headers\n m = get 0 x-none\n tick 10\n return 1\non tick\n tick 0\n effective $stream\n c = continue 0\n u = continue 3",
    },
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      expect(await b.logged("m")).toBe("1");
      expect(await b.logged("c")).toBe("0");
      expect(await b.logged("u")).toBe("12");
      expect(await b.message((m) => m.startsWith("> request_headers"))).toMatch(/ 1$/);
    },
  );
});
