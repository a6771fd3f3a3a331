import { systemClock } from "../../../host/clock";
import { createLogger } from "../../../host/log";
import type { Plugin } from "../../../host/plugin/plugin";
import type { PluginConfig } from "../../../host/plugin/plugin-config";
import { PluginRuntime, type PluginRuntimeDeps } from "../../../host/plugin/plugin-runtime";
import { HeaderMap } from "../../../host/stores/header-map";
import type { StatsSink } from "../../../host/stores/stats";
import { FilterChain } from "../../../host/stream/filter-chain";
import { LogLevel } from "../../../sdk/abi/log-level";
import { RecordingEnds } from "./fake-ends";

export const noStats: StatsSink = {
  counter: () => ({ add() {}, value: 0 }),
  gauge: () => ({ add() {}, set() {}, value: 0n }),
  histogram: () => ({ record() {} }),
};

/** A host without sockets: plugins are loaded from bytes, streams run against {@link RecordingEnds}. */
export class InMemoryHost {
  /** Finished log lines; an entry of several lines is one item. */
  readonly log: string[] = [];
  readonly runtime: PluginRuntime;

  constructor(deps: Partial<PluginRuntimeDeps> = {}) {
    this.runtime = new PluginRuntime({
      clock: systemClock,
      log: createLogger((line) => this.log.push(line), LogLevel.Debug),
      stats: noStats,
      caller: { hasCluster: () => false, call: () => undefined },
      node: {},
      ...deps,
    });
    this.runtime.startWorkers();
  }

  load(module: Uint8Array, more: Partial<PluginConfig> = {}): Promise<Plugin> {
    return this.runtime.load({
      name: "plugin",
      rootId: "",
      vmId: "",
      vmConfiguration: Buffer.alloc(0),
      configuration: Buffer.alloc(0),
      module: Buffer.from(module),
      moduleName: "plugin.wasm",
      failurePolicy: "fail-closed",
      reloadBackoffMs: 1000,
      allowOnHeadersStopIteration: false,
      environment: new Map(),
      allowedCapabilities: undefined,
      ...more,
    });
  }
}

/** A stream through some plugins, before anything has happened to it. */
export function openStream(...plugins: Plugin[]): { chain: FilterChain; ends: RecordingEnds } {
  const ends = new RecordingEnds();
  const factories = plugins.map(({ factory }) => factory);
  const chain = new FilterChain(factories, ends, { requestBufferLimit: 1000, responseBufferLimit: 1000 });
  return { chain, ends };
}

/** A whole headers-only exchange: request, a 200 unless the request was answered already, end. */
export function exchange(plugin: Plugin, headers: [string, string][] = []): RecordingEnds {
  const { chain, ends } = openStream(plugin);
  chain.requestHeaders(HeaderMap.of("request", [[":method", "GET"], [":path", "/"], ...headers]), true);
  if (ends.events.at(-1) === "request headers end")
    chain.responseHeaders(HeaderMap.of("response", [[":status", "200"]]), true);
  chain.finish();
  return ends;
}
