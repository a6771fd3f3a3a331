import { LogLevel } from "../../sdk/abi/log-level";
import { systemClock } from "../clock";
import { loadBootstrap } from "../config/index";
import type { Bootstrap } from "../config/model";
import type { Engine, EngineOptions, RunningEngine } from "../engine";
import { formatIssue } from "../errors";
import { createLogger, type Logger } from "../log";
import { PluginRuntime } from "../plugin/plugin-runtime";
import { FilterChain } from "../stream/filter-chain";
import { loadPlugins } from "./load-plugins";
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
      return loadPlugins(plugins, bootstrap);
    },
    chainFactory: (filters, limit) => (ends) =>
      new FilterChain(filters, ends, { requestBufferLimit: limit, responseBufferLimit: limit }),
    closeFilters: () => runtime?.close(),
  });
  await proxy.start();
  return proxy;
}
