import { expect, test } from "vitest";
import { ProxyWasmError } from "../../host/errors";
import { bootstrap, httpListener, type Json, wasmFilter } from "../support/bootstrap";
import { conformance } from "../support/conformance";
import type { EngineUnderTest } from "../support/describe-engines";
import { guest } from "../support/guests";
import { exchange } from "../support/raw-client";

/** A proxy with one plugin that answers every request itself. */
async function withGuest(name: string, start?: string, plugin: Json = {}): Promise<Json> {
  const filter = wasmFilter({ name, rootId: name, wasm: await guest(name, start), plugin });
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
  return bootstrap({ listeners: [httpListener({ name: "l", filters: [filter], routes })], clusters: [] });
}

/** False when the engine refuses the configuration in an orderly way. */
async function started(engine: EngineUnderTest, config: Json): Promise<boolean> {
  try {
    await engine.start(config);
    return true;
  } catch (error) {
    if (error instanceof ProxyWasmError) return false;
    throw error;
  }
}

/** Refused whatever the failure policy: the proxy does not start. */
const REFUSED: [behaviour: string, guest: string][] = [
  ["a module without an allocator", "no-allocator"],
  ["a module without an ABI marker", "no-marker"],
  ["a module of an unknown ABI version", "future-abi"],
  ["a callback with a wrong signature", "bad-signature"],
  ["an import that does not exist", "unknown-import"],
  ["a hostcall in _initialize that needs a context", "restricted-start"],
];

conformance("Start of a module", ({ behaviour, engine }) => {
  for (const [name, module] of REFUSED)
    test(`${name} is refused: the proxy does not start`, async () => {
      expect(await started(engine, await withGuest(module))).toBe(false);
    });

  test("refused even with fail_open", async () => {
    expect(await started(engine, await withGuest("no-allocator", undefined, { fail_open: true }))).toBe(
      false,
    );
  });

  for (const callback of ["vm_start", "configure"])
    test(`false from on_${callback} is refused: the proxy does not start`, async () => {
      expect(await started(engine, await scripted(`on ${callback}\n return 0`))).toBe(false);
    });

  for (const callback of ["vm_start", "configure"])
    test(`a trap in on_${callback} is refused: the proxy does not start`, async () => {
      expect(await started(engine, await scripted(`on ${callback}\n trap`))).toBe(false);
    });

  test("a trap in a root's on_context_create lets the proxy start; every request fails", async () => {
    const proxy = await engine.start(await scripted("on context_create\n trap"));
    expect((await exchange(proxy.port())).status).toBe(503);
  });

  test("both allocators exported: malloc is used", async () => {
    const proxy = await engine.start(await withGuest("both-allocators"));
    const response = await exchange(proxy.port());
    expect(response.header("m")).toBe("m");
    expect(response.header("p")).toBeUndefined();
  });

  test("an allocator that answers 0 makes the hostcall InvalidMemoryAccess", async () => {
    const proxy = await engine.start(await withGuest("failing-allocator"));
    expect((await exchange(proxy.port())).header("s")).toBe("6");
  });

  test("a forbidden hostcall inside the allocator fails the VM", async () => {
    const proxy = await engine.start(await withGuest("nested-hostcall"));
    expect((await exchange(proxy.port())).status).toBe(503);
  });

  for (const start of ["_initialize", "_start"])
    test(`top-level code runs once, from ${start}`, async () => {
      const proxy = await engine.start(await withGuest("started", start));
      expect((await exchange(proxy.port())).header("r")).toBe("1");
    });

  test("top-level code may log", async () => {
    const proxy = await engine.start(await withGuest("logging-start"));
    const found = (lines: readonly { message: string }[]) =>
      lines.find(({ message }) => /^wasm log.*: hi$/.test(message));
    expect(await proxy.log.waitFor(found, "hi")).toMatchObject({ level: "info", component: "wasm" });
  });

  behaviour(
    "any non-zero result of vm_start and configure is true",
    { script: "on vm_start\n return 2\non configure\n return -1" },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
    },
  );

  behaviour(
    "the sizes handed to vm_start and configure are those of the two configurations",
    {
      script: "trace\non configure\n c = buffer 7 0 10\n v = buffer 6 0 100",
      vm: { configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "12345" } },
    },
    async (b) => {
      expect(await b.logged("v")).toBe("0 12345");
      expect(await b.logged("c")).toBe("0 trace%0Aon c");
      const size = b.setup.script!.length;
      expect(await b.messages()).toContain("> vm_start 1 5");
      expect(await b.messages()).toContain(`> configure 1 ${size}`);
    },
  );

  behaviour(
    "the plugin configuration cannot be read in vm_start",
    { script: "on vm_start\n p = buffer 7 0 10" },
    async (b) => {
      expect(await b.logged("p")).toBe("1");
    },
  );

  async function scripted(script: string): Promise<Json> {
    const filter = wasmFilter({ name: "p", rootId: "p", wasm: await guest("puppet"), configuration: script });
    const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
    return bootstrap({ listeners: [httpListener({ name: "l", filters: [filter], routes })], clusters: [] });
  }
});

conformance("Plugin configuration", ({ engine }) => {
  /** The puppet reads its own configuration back; a script in it is optional. */
  async function configured(configuration: Json, vm?: Json): Promise<Json> {
    const reader = "on request_headers\n c = buffer 6 0 1000";
    const filter = wasmFilter({
      name: "p",
      rootId: "p",
      wasm: await guest("puppet"),
      configuration: reader,
      vm: { configuration, ...vm },
    });
    const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
    return bootstrap({ listeners: [httpListener({ name: "l", filters: [filter], routes })], clusters: [] });
  }

  const KINDS: [kind: string, configuration: Json, seen: string][] = [
    [
      "StringValue is its text",
      { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "text" },
      "0 text",
    ],
    [
      "BytesValue is its bytes",
      { "@type": "type.googleapis.com/google.protobuf.BytesValue", value: "AAH/" },
      "0 %00%01%FF",
    ],
    [
      "Struct is its protobuf encoding",
      { "@type": "type.googleapis.com/google.protobuf.Struct", value: { a: "b" } },
      "0 %0A%08%0A%01a%12%03%1A%01b",
    ],
  ];

  for (const [kind, configuration, seen] of KINDS)
    test(kind, async () => {
      const proxy = await engine.start(await configured(configuration));
      await exchange(proxy.port());
      const line = await proxy.log.waitFor(
        (lines) => lines.find(({ message }) => message.includes(": c=")),
        "c=",
      );
      expect(line.message.slice(line.message.indexOf(": c=") + 4)).toBe(seen);
    });
});
