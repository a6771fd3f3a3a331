import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { Bootstrap, HttpFilterConfig, WasmPluginConfig } from "../config/model";
import { ConfigError, type ConfigIssue, ModuleError, PluginConfigError, VmTrapError } from "../errors";
import type { Plugin } from "../plugin/plugin";
import type { PluginConfig } from "../plugin/plugin-config";
import type { PluginRuntime } from "../plugin/plugin-runtime";
import type { FilterFactory } from "../stream/filter";
import type { ListenerFilters } from "./proxy";

export interface LoadedPlugins {
  /** In the order of the listeners. */
  filters: ListenerFilters[];
  /** The plugins of all listeners, in the order in which they were loaded. */
  plugins: Plugin[];
}

/**
 * The filters of every listener, in chain order; after them what `bootstrap_extensions` names. Plugins are loaded one after
 * the other, as they may share VMs; what modules and plugins refuse is reported together, with the places in the file that
 * are to blame.
 */
export async function loadPlugins(runtime: PluginRuntime, bootstrap: Bootstrap): Promise<LoadedPlugins> {
  const issues: ConfigIssue[] = [];
  const attempt = async <T>(config: WasmPluginConfig, load: (config: PluginConfig) => Promise<T>) => {
    try {
      return await load(pluginConfig(config));
    } catch (error) {
      issues.push(issueOf(error, config));
      return undefined;
    }
  };
  const all: Plugin[] = [];
  const loadAll = async (configs: readonly WasmPluginConfig[]): Promise<Plugin[]> => {
    const plugins: Plugin[] = [];
    for (const config of configs) {
      const plugin = await attempt(config, (ready) => runtime.load(ready));
      if (plugin) plugins.push(plugin);
    }
    all.push(...plugins);
    return plugins;
  };
  const filters: ListenerFilters[] = [];
  for (const listener of bootstrap.listeners) {
    const plugins = await loadAll(listener.networkFilters.map(({ plugin }) => plugin));
    const network = plugins.map((p) => p.networkFactory);
    if (listener.kind === "tcp") {
      filters.push({ http: [], loggers: [], network });
      continue;
    }
    const { accessLogs, httpFilters } = listener.http;
    const loggers = await loadAll(accessLogs);
    const http = await loadAll(wasmPlugins(httpFilters));
    const upgrades = new Map<string, readonly FilterFactory[]>();
    for (const { type, filters: own } of listener.http.upgrades) {
      if (own)
        upgrades.set(
          type,
          (await loadAll(wasmPlugins(own))).map((p) => p.factory),
        );
    }
    filters.push({
      http: http.map((p) => p.factory),
      loggers: loggers.map((p) => p.accessLogger),
      upgrades,
      network,
    });
  }
  for (const { plugin, singleton } of bootstrap.services)
    await attempt(plugin, (ready) => runtime.loadService(ready, singleton));
  if (issues.length > 0) throw new ConfigError(issues);
  runtime.startWorkers();
  return { filters, plugins: all };
}

function wasmPlugins(filters: readonly HttpFilterConfig[]): WasmPluginConfig[] {
  return filters.flatMap((filter) => (filter.kind === "wasm" ? [filter.plugin] : []));
}

/** Reads the module and the host variables a plugin was promised. */
export function pluginConfig(config: WasmPluginConfig): PluginConfig {
  const environment = new Map(config.environment);
  for (const name of config.hostEnvironment) {
    const value = process.env[name];
    if (value !== undefined) environment.set(name, value);
  }
  const { code } = config;
  return {
    name: config.name,
    rootId: config.rootId,
    vmId: config.vmId,
    vmConfiguration: config.vmConfiguration,
    configuration: config.configuration,
    module: code.kind === "file" ? readFileSync(code.path) : code.bytes,
    moduleName: code.kind === "file" ? code.path : "inline_bytes",
    ...(code.kind === "file" && { readBeside: (path: string) => readBeside(code.path, path) }),
    failurePolicy: config.failurePolicy,
    reloadBackoffMs: config.reloadBackoffMs,
    allowOnHeadersStopIteration: config.allowOnHeadersStopIteration,
    environment,
    allowedCapabilities: config.allowedCapabilities,
  };
}

/** A text file in the module's folder or below it; undefined when there is none. */
function readBeside(module: string, path: string): string | undefined {
  const folder = dirname(resolve(module));
  const file = resolve(folder, path);
  if (relative(folder, file).startsWith("..")) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** What a plugin or its module was refused for, with the place to blame; other errors are thrown on. */
export function issueOf(error: unknown, config: WasmPluginConfig): ConfigIssue {
  if (error instanceof PluginConfigError) {
    return { position: config.position, path: config.positionPath, message: error.message };
  }
  const unreadable = error instanceof Error && "syscall" in error;
  if (error instanceof ModuleError || error instanceof VmTrapError || unreadable) {
    return { position: config.codePosition, path: config.codePath, message: error.message };
  }
  throw error;
}
