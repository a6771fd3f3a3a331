import { readFileSync } from "node:fs";
import { LogLevel } from "../../sdk/abi/log-level";
import { systemClock } from "../clock";
import { loadBootstrap } from "../config/index";
import type { Bootstrap, ListenerConfig, WasmPluginConfig } from "../config/model";
import type { Engine, EngineOptions, RunningEngine } from "../engine";
import { ConfigError, formatIssue, ModuleError, PluginConfigError } from "../errors";
import { createLogger, type Logger } from "../log";
import type { PluginConfig } from "../plugin/plugin-config";
import { PluginRuntime } from "../plugin/plugin-runtime";
import type { FilterFactory } from "../stream/filter";
import { FilterChain } from "../stream/filter-chain";
import { NodeProxy } from "./proxy";

const SOURCE = "host/proxy/node-engine.ts";

/**
 * The Node reference proxy as an engine: reads a bootstrap file and runs it in this process.
 *
 * @example
 * const proxy = await nodeEngine.start({ configPath: "envoy.yaml" });
 * await proxy.stop();
 */
export const nodeEngine: Engine = {
  name: "node",
  async start(options) {
    const log = logger(options);
    const { bootstrap, warnings } = loadBootstrap(options.configPath, {
      set: options.set ?? [],
      lenient: options.lenient ?? false,
    });
    for (const warning of warnings) log.log("config", LogLevel.Warn, SOURCE, formatIssue(warning));
    return run(bootstrap, log);
  },
};

function logger(options: EngineOptions): Logger {
  const write = options.writeLog ?? ((line: string) => void process.stderr.write(line, "latin1"));
  const log = createLogger(write, options.logLevel ?? LogLevel.Info);
  for (const [component, level] of options.componentLogLevels ?? []) log.setLevel(component, level);
  return log;
}

async function run(bootstrap: Bootstrap, log: Logger): Promise<RunningEngine> {
  let runtime: PluginRuntime | undefined;
  const proxy: NodeProxy = new NodeProxy(bootstrap, {
    clock: systemClock,
    log,
    concurrency: 1,
    async loadFilters({ store, caller }) {
      const { node } = bootstrap;
      const plugins = new PluginRuntime({
        clock: systemClock,
        log,
        stats: store,
        caller,
        node,
        concurrency: 1,
      });
      runtime = plugins;
      return Promise.all(bootstrap.listeners.map((listener) => loadPlugins(plugins, bootstrap, listener)));
    },
    chainFactory: (filters, limit) => (ends) =>
      new FilterChain(filters, ends, { requestBufferLimit: limit, responseBufferLimit: limit }),
    closeFilters: () => runtime?.close(),
  });
  await proxy.start();
  return proxy;
}

/** The plugins of one listener, in chain order; one after the other, as they may share VMs. */
async function loadPlugins(
  runtime: PluginRuntime,
  bootstrap: Bootstrap,
  listener: ListenerConfig,
): Promise<FilterFactory[]> {
  const factories: FilterFactory[] = [];
  for (const filter of listener.http.httpFilters) {
    if (filter.kind !== "wasm") continue;
    try {
      const plugin = await runtime.load(pluginConfig(filter.plugin));
      factories.push(plugin.factory);
    } catch (error) {
      throw located(error, filter.plugin, bootstrap.file);
    }
  }
  return factories;
}

/** Reads the module and the host variables a plugin was promised. */
function pluginConfig(config: WasmPluginConfig): PluginConfig {
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
    failurePolicy: config.failurePolicy,
    reloadBackoffMs: config.reloadBackoffMs,
    allowOnHeadersStopIteration: config.allowOnHeadersStopIteration,
    environment,
    allowedCapabilities: config.allowedCapabilities,
  };
}

/** A plugin's refusal as one more configuration error: with the place in the file that is to blame. */
function located(error: unknown, config: WasmPluginConfig, _file: string): unknown {
  if (error instanceof PluginConfigError) {
    return new ConfigError([
      { position: config.position, path: `${config.codePath}`, message: error.message },
    ]);
  }
  if (error instanceof ModuleError) {
    return new ConfigError([
      { position: config.codePosition, path: config.codePath, message: error.message },
    ]);
  }
  return error;
}
