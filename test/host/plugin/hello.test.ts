import { beforeAll, describe, expect, test } from "vitest";
import { buildModule } from "../../../host/build/index";
import { exchange, InMemoryHost } from "../support/in-memory";

let module: Uint8Array;
beforeAll(async () => {
  module = (await buildModule({ entry: "examples/hello/index.ts" })).wasm;
}, 60_000);

describe("hello in the host", () => {
  test("reads a header and adds one each way", async () => {
    const host = new InMemoryHost();
    const ends = exchange(await host.load(module), [["user-agent", "curl/8"]]);
    host.runtime.close();
    expect(ends.maps[0]!.get("x-ua-len")).toBe("6");
    expect(ends.maps[1]!.get("x-hello")).toBe("world");
  });

  test("an unknown root_id is refused at load, with the known names in the log", async () => {
    const host = new InMemoryHost();
    await expect(host.load(module, { rootId: "nope" })).rejects.toThrow(
      'refused its configuration: root_id "nope" is unknown; registered: hello',
    );
    expect(host.log.join("")).toContain("hello");
  });

  test("what is no wasm, and wasm that is no proxy-wasm, are refused in one line", async () => {
    const host = new InMemoryHost();
    await expect(host.load(Buffer.from("hi"))).rejects.toThrow("not a wasm module");
    const empty = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    await expect(host.load(empty)).rejects.toThrow("not a proxy-wasm module");
  });
});
