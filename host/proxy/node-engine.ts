import { LogLevel } from "../../sdk/abi/log-level";
import { systemClock } from "../clock";
import { loadBootstrap, type Substitution } from "../config/index";
import type { Bootstrap } from "../config/model";
import type { Engine, EngineOptions, RunningEngine } from "../engine";
import { formatIssue } from "../errors";
import { createLogger, type Logger, type TraceSink, timeOfDay } from "../log";
import { PluginRuntime } from "../plugin/plugin-runtime";
import type { FilterFactory } from "../stream/filter";
import { FilterChain } from "../stream/filter-chain";
import { bugReporter } from "./bug-reporter";
import { nameResolver } from "./clusters/resolver";
import { NodeProxy } from "./proxy";
import { loadChains } from "./update/listener-plugins";

/** Sees every stream of a proxy, and the trace of its plugins. */
export interface Watcher extends TraceSink {
  /** The filters to put in the place of a new stream's. */
  watch(filters: readonly FilterFactory[], listener: string): readonly FilterFactory[];
}

export interface NodeEngineOptions extends EngineOptions {
  watcher?: Watcher;
}

const SOURCE = "host/proxy/node-engine.ts";

/**
 * The Node reference proxy as an engine: reads a bootstrap file and runs it in this process.
 *
 * @example
 * const proxy = await nodeEngine.start({ configPath: "envoy.yaml" });
 * await proxy.stop();
 */
export const nodeEngine: Engine & { start(options: NodeEngineOptions): Promise<RunningEngine> } = {
  name: "node",
  async start(options: NodeEngineOptions) {
    const log = logger(options);
    const load = () => {
      const { bootstrap, warnings, substitutions } = loadBootstrap(options.configPath, {
        set: options.set ?? [],
        lenient: options.lenient ?? false,
        ...(options.substitute !== undefined && { substitute: options.substitute }),
      });
      for (const one of substitutions) log.log("config", LogLevel.Info, SOURCE, substitutionText(one));
      for (const warning of warnings) log.log("config", LogLevel.Warn, SOURCE, formatIssue(warning));
      return bootstrap;
    };
    return run(load, log, options);
  },
};

function substitutionText({ position, native, filter, configuration }: Substitution): string {
  const { file, line, column } = position;
  return `${file}:${line}:${column}: ${filter} in the place of ${native}, with ${JSON.stringify(configuration)}`;
}

function writer(options: EngineOptions): (line: string) => void {
  return options.writeLog ?? ((line) => void process.stderr.write(line, "latin1"));
}

/** Trace lines go the way of the log, behind the time of day; their text leaves as UTF-8. A watcher has them, too. */
function traceSink({ watcher, ...options }: NodeEngineOptions): TraceSink | undefined {
  if (!options.trace) return watcher;
  const printed = printer(options);
  if (!watcher) return printed;
  const write = (line: string, context?: object) => {
    printed.write(line);
    watcher.write(line, context);
  };
  return { full: options.trace === "full", write };
}

function printer(options: EngineOptions): TraceSink {
  const write = writer(options);
  return {
    full: options.trace === "full",
    write: (line) => write(Buffer.from(`${timeOfDay(new Date())} ${line}\n`).toString("latin1")),
  };
}

function logger(options: EngineOptions): Logger {
  const log = createLogger(writer(options), options.logLevel ?? LogLevel.Info);
  for (const [component, level] of options.componentLogLevels ?? []) log.setLevel(component, level);
  return log;
}

async function run(load: () => Bootstrap, log: Logger, options: NodeEngineOptions): Promise<RunningEngine> {
  const bootstrap = load();
  const { maxCallbackMs, watcher } = options;
  const trace = traceSink(options);
  let runtime: PluginRuntime | undefined;
  const onBug = bugReporter(log);
  const proxy: NodeProxy = new NodeProxy(bootstrap, {
    clock: systemClock,
    log,
    concurrency: 1,
    logFlushMs: options.logFlushMs,
    async loadFilters({ store, caller, grpcCaller, clusters, health }, chains) {
      const { node } = bootstrap;
      const own = { store, clusters, health, clusterName: node.cluster };
      if (runtime) return loadChains(runtime, chains, own);
      runtime = new PluginRuntime({
        clock: systemClock,
        log,
        stats: store,
        caller,
        grpcCaller,
        names: nameResolver,
        node,
        ...(trace && { trace }),
        maxCallbackMs,
        concurrency: 1,
      });
      const loaded = await loadChains(runtime, chains, own, bootstrap.services);
      runtime.startWorkers();
      return loaded;
    },
    chainFactory:
      ({ http, loggers }, limit, listener) =>
      (ends) =>
        new FilterChain(watcher?.watch(http, listener) ?? http, ends, {
          requestBufferLimit: limit,
          responseBufferLimit: limit,
          loggers,
          onBug,
        }),
    closeFilters: () => runtime?.close(),
  });
  await proxy.start();
  let last: Promise<unknown> = Promise.resolve();
  proxy.reload = () => {
    // One after the other, each with what the file says when its turn comes.
    const reloaded = last.then(() => proxy.update(load()));
    last = reloaded.catch(() => {});
    return reloaded;
  };
  return proxy;
}
