import { beforeAll, describe, expect, test } from "vitest";
import { buildModule } from "../../../host/build/index";
import { systemClock } from "../../../host/clock";
import { createLogger } from "../../../host/log";
import type { PluginConfig } from "../../../host/plugin/plugin-config";
import { PluginRuntime } from "../../../host/plugin/plugin-runtime";
import { HeaderMap } from "../../../host/stores/header-map";
import type { StatsSink } from "../../../host/stores/stats";
import { FilterChain } from "../../../host/stream/filter-chain";
import { LogLevel } from "../../../sdk/abi/log-level";
import { RecordingEnds } from "../support/fake-ends";

const noStats: StatsSink = {
  counter: () => ({ add() {}, value: 0 }),
  gauge: () => ({ add() {}, set() {}, value: 0n }),
  histogram: () => ({ record() {} }),
};

function runtime(lines: string[], trace?: (line: string) => void) {
  return new PluginRuntime({
    clock: systemClock,
    log: createLogger((line) => lines.push(line), LogLevel.Debug),
    stats: noStats,
    caller: { hasCluster: () => false, call: () => undefined },
    node: {},
    ...(trace ? { trace } : {}),
  });
}

let module: Buffer;
beforeAll(async () => {
  module = Buffer.from((await buildModule({ entry: "examples/hello/index.ts" })).wasm);
}, 60_000);

const config = (more: Partial<PluginConfig> = {}): PluginConfig => ({
  name: "hello",
  rootId: "",
  vmId: "",
  vmConfiguration: Buffer.alloc(0),
  configuration: Buffer.alloc(0),
  module,
  moduleName: "hello.wasm",
  failurePolicy: "fail-closed",
  reloadBackoffMs: 1000,
  allowOnHeadersStopIteration: false,
  environment: new Map(),
  allowedCapabilities: undefined,
  ...more,
});

describe("hello in the host", () => {
  test("reads a header and adds one each way", async () => {
    const plugins = runtime([]);
    const plugin = await plugins.load(config());
    const ends = new RecordingEnds();
    const chain = new FilterChain([plugin.factory], ends, {
      requestBufferLimit: 10,
      responseBufferLimit: 10,
    });
    chain.requestHeaders(HeaderMap.of("request", [["user-agent", "curl/8"]]), true);
    chain.responseHeaders(HeaderMap.of("response", [[":status", "200"]]), true);
    chain.finish();
    plugins.close();
    expect(ends.maps[0]!.get("x-ua-len")).toBe("6");
    expect(ends.maps[1]!.get("x-hello")).toBe("world");
  });

  test("an unknown root_id is refused at load, with the known names in the log", async () => {
    const lines: string[] = [];
    await expect(runtime(lines).load(config({ rootId: "nope" }))).rejects.toThrow(
      "refused its configuration",
    );
    expect(lines.join("")).toContain("hello");
  });

  test("the trace shows a hostcall with its names and values", async () => {
    const lines: string[] = [];
    const plugins = runtime([], (line) => lines.push(line));
    const plugin = await plugins.load(config());
    const ends = new RecordingEnds();
    const chain = new FilterChain([plugin.factory], ends, {
      requestBufferLimit: 10,
      responseBufferLimit: 10,
    });
    chain.requestHeaders(HeaderMap.of("request", [["user-agent", "curl/8"]]), true);
    chain.finish();
    plugins.close();
    expect(lines).toContain('==> proxy_get_header_map_value(map=0, key="user-agent")');
    expect(lines).toContain('<== Ok "curl/8"');
  });

  test("what is no wasm, and wasm that is no proxy-wasm, are refused in one line", async () => {
    await expect(runtime([]).load(config({ module: Buffer.from("hi") }))).rejects.toThrow(
      "not a wasm module",
    );
    const empty = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    await expect(runtime([]).load(config({ module: empty }))).rejects.toThrow("not a proxy-wasm module");
  });
});
