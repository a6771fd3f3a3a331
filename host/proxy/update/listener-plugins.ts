import type { AccessLogConfig, HttpFilterConfig, ListenerConfig, WasmPluginConfig } from "../../config/model";
import { ConfigError, type ConfigIssue } from "../../errors";
import type { Plugin } from "../../plugin/plugin";
import type { PluginConfig } from "../../plugin/plugin-config";
import { isSamePlugin, type PluginRuntime, type PreparedUpdate } from "../../plugin/plugin-runtime";
import type { FilterFactory } from "../../stream/filter";
import { corsFilter } from "../filters/cors";
import { type OwnFilterDeps, ownHealthFilter } from "../filters/own-health";
import type { ListenerFilters, LoadedFilters } from "../listener-filters";
import { issueOf, pluginConfig } from "../plugin-config";
import type { Change } from "./change";

/** The plugins of a filter chain, in the order in which they are loaded. */
function pluginsOf(chain: ListenerConfig): WasmPluginConfig[] {
  const network = chain.networkFilters.map(({ plugin }) => plugin);
  if (chain.kind === "tcp") return network;
  const { accessLogs, httpFilters, upgrades } = chain.http;
  return [
    ...network,
    ...wasmLoggers(accessLogs),
    ...wasmPlugins(httpFilters),
    ...upgrades.flatMap(({ filters }) => wasmPlugins(filters ?? [])),
  ];
}

function wasmPlugins(filters: readonly HttpFilterConfig[]): WasmPluginConfig[] {
  return filters.flatMap((filter) => (filter.kind === "wasm" ? [filter.plugin] : []));
}

/** The entries of an `access_log` that plugins write. */
function wasmLoggers(logs: readonly AccessLogConfig[]): WasmPluginConfig[] {
  return logs.flatMap(({ sink }) => (sink.kind === "wasm" ? [sink.plugin] : []));
}

/** Plugins at their places, given in the order of {@link pluginsOf}. */
function filtersOf(chain: ListenerConfig, plugins: readonly Plugin[], deps: OwnFilterDeps): ListenerFilters {
  const left = [...plugins];
  const take = (count: number) => left.splice(0, count);
  const network = take(chain.networkFilters.length).map((p) => p.networkFactory);
  if (chain.kind === "tcp") return { http: [], loggers: [], network };
  const { accessLogs, httpFilters, upgrades, statPrefix } = chain.http;
  const factories = (filters: readonly HttpFilterConfig[]): FilterFactory[] =>
    filters.flatMap((filter) => {
      if (filter.kind === "cors") return [corsFilter(filter.name, deps.store, statPrefix)];
      if (filter.kind === "own health")
        return [ownHealthFilter(filter.name, filter.health, deps, statPrefix)];
      return filter.kind === "wasm" ? take(1).map((p) => p.factory) : [];
    });
  const loggers = take(wasmLoggers(accessLogs).length).map((p) => p.accessLogger);
  const http = factories(httpFilters);
  const own = upgrades.flatMap(({ type, filters }) => (filters ? [[type, factories(filters)] as const] : []));
  return { http, loggers, upgrades: new Map(own), network };
}

/** Collects what several plugins and their modules are refused for, with the places in the file that are to blame. */
class Attempts {
  readonly issues: ConfigIssue[] = [];

  async run<T>(
    config: WasmPluginConfig,
    action: (ready: PluginConfig) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await action(pluginConfig(config));
    } catch (error) {
      this.issues.push(issueOf(error, config));
      return undefined;
    }
  }

  /** Throws ConfigError if anything was refused. */
  check(): void {
    if (this.issues.length > 0) throw new ConfigError(this.issues);
  }
}

/** The loaded plugins of one filter chain. */
class LoadedChain implements LoadedFilters {
  readonly filters: ListenerFilters;

  constructor(
    private readonly runtime: PluginRuntime,
    chain: ListenerConfig,
    private readonly plugins: readonly Plugin[],
    deps: OwnFilterDeps,
  ) {
    this.filters = filtersOf(chain, plugins, deps);
  }

  /** Plugins are told what the file says of them now. Throws ConfigError when one refuses; then none has changed. */
  async prepare(chain: ListenerConfig): Promise<Change> {
    const attempts = new Attempts();
    const updates: { plugin: Plugin; update: PreparedUpdate }[] = [];
    for (const [i, wanted] of pluginsOf(chain).entries()) {
      const plugin = this.plugins[i]!;
      await attempts.run(wanted, async (config) => {
        if (!isSamePlugin(config, plugin.config))
          updates.push({ plugin, update: await this.runtime.prepare(config) });
      });
    }
    const drop = () => {
      for (const { update } of updates) update.drop();
    };
    if (attempts.issues.length > 0) drop();
    attempts.check();
    const names = updates.map(({ plugin }) => plugin.config.name || plugin.config.rootId || "(unnamed)");
    return {
      names,
      commit: () => {
        for (const { plugin, update } of updates) update.carryOut(plugin);
      },
      drop,
    };
  }

  unload(): void {
    for (const plugin of this.plugins) this.runtime.unload(plugin);
  }
}

/**
 * Loads the plugins of filter chains, one after the other, as they may share VMs. What modules and plugins refuse is reported
 * together; then none is loaded. `more` are loaded with them.
 */
export async function loadChains(
  runtime: PluginRuntime,
  chains: readonly ListenerConfig[],
  deps: OwnFilterDeps,
  more: readonly { plugin: WasmPluginConfig; singleton: boolean }[] = [],
): Promise<LoadedFilters[]> {
  const attempts = new Attempts();
  const loaded: Plugin[][] = [];
  for (const chain of chains) {
    const own: Plugin[] = [];
    loaded.push(own);
    for (const config of pluginsOf(chain)) {
      const plugin = await attempts.run(config, (ready) => runtime.load(ready));
      if (plugin) own.push(plugin);
    }
  }
  for (const { plugin, singleton } of more)
    await attempts.run(plugin, (ready) => runtime.loadService(ready, singleton));
  if (attempts.issues.length > 0) for (const plugin of loaded.flat()) runtime.unload(plugin);
  attempts.check();
  return chains.map((chain, i) => new LoadedChain(runtime, chain, loaded[i]!, deps));
}
