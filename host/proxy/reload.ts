import type { Bootstrap, WasmPluginConfig } from "../config/model";
import { ConfigError, type ConfigIssue } from "../errors";
import type { Plugin } from "../plugin/plugin";
import type { PluginConfig } from "../plugin/plugin-config";
import type { PluginRuntime } from "../plugin/plugin-runtime";
import { isSamePlugin } from "../plugin/plugin-runtime";
import { issueOf, pluginConfig } from "./load-plugins";

/** The plugins of listeners, in the order in which they are loaded. */
export function listenerPlugins(bootstrap: Bootstrap): WasmPluginConfig[] {
  return bootstrap.listeners.flatMap((listener) => [
    ...listener.networkFilters.map(({ plugin }) => plugin),
    ...(listener.kind === "http" ? httpPlugins(listener.http) : []),
  ]);
}

function httpPlugins(http: Extract<Bootstrap["listeners"][number], { kind: "http" }>["http"]) {
  const filters = http.httpFilters.flatMap((filter) => (filter.kind === "wasm" ? [filter.plugin] : []));
  return [...http.accessLogs, ...filters];
}

/** Puts what a bootstrap says of its plugins in the place of what runs, if nothing else is different. */
export class PluginReloader {
  private services: PluginConfig[];
  private shape: string;

  constructor(
    private readonly runtime: PluginRuntime,
    private readonly plugins: readonly Plugin[],
    private readonly bootstrap: Bootstrap,
  ) {
    this.services = bootstrap.services.map(({ plugin }) => pluginConfig(plugin));
    this.shape = shapeOf(bootstrap);
  }

  /** The names of plugins that were swapped. Throws ConfigError when one of them is refused; then all stay as they are. */
  async reload(bootstrap: Bootstrap): Promise<readonly string[] | "restart"> {
    if (shapeOf(bootstrap) !== this.shape) return "restart";
    const issues: ConfigIssue[] = [];
    const attempt = async <T>(
      config: WasmPluginConfig,
      carryOut: () => T,
    ): Promise<Awaited<T> | undefined> => {
      try {
        return await carryOut();
      } catch (error) {
        issues.push(issueOf(error, config));
        return undefined;
      }
    };
    for (const [i, { plugin }] of bootstrap.services.entries()) {
      const config = await attempt(plugin, () => pluginConfig(plugin));
      if (config && !isSamePlugin(config, this.services[i]!)) return "restart";
    }
    const updates: { plugin: Plugin; update: Awaited<ReturnType<PluginRuntime["prepare"]>> }[] = [];
    for (const [i, wanted] of listenerPlugins(bootstrap).entries()) {
      const plugin = this.plugins[i]!;
      const config = await attempt(wanted, () => pluginConfig(wanted));
      if (!config || isSamePlugin(config, plugin.config)) continue;
      const update = await attempt(wanted, () => this.runtime.prepare(config));
      if (update) updates.push({ plugin, update });
    }
    for (const { plugin, update } of updates) {
      if (issues.length > 0) update.drop();
      else update.carryOut(plugin);
    }
    if (issues.length > 0) throw new ConfigError(issues);
    // What the admin interface shows as the configuration.
    this.bootstrap.raw = bootstrap.raw;
    return updates.map(({ plugin }) => plugin.config.name || plugin.config.rootId || "(unnamed)");
  }
}

const PLUGIN = /\.v3\.(Wasm|WasmAccessLog)$/;

/** Everything the file says but for its listeners' plugins: what has to be the same for them to be swapped. */
function shapeOf({ raw }: Bootstrap): string {
  return JSON.stringify(raw, function (this: Record<string, unknown>, key, value) {
    return key === "config" && PLUGIN.test(String(this["@type"])) ? "plugin" : value;
  });
}
