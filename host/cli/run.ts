import { join } from "node:path";
import { Command, Option } from "commander";
import { LogLevel as Level } from "../../sdk/abi/log-level";
import type { Engine, EngineName, EngineOptions, RunningEngine } from "../engine";
import { hostBug, UsageError } from "../errors";
import { createLogger, LEVEL_NAMES, type Logger } from "../log";
import { componentLevelsArgument, levelArgument } from "./levels";
import { packageRoot } from "./package-root";
import { report } from "./report";
import { buildArgument, countArgument, portArgument, setArgument } from "./run-arguments";
import { checkOptions, type RunOptions } from "./run-options";
import { probeArgument, statusArgument, urlArgument } from "./status/options";
import { supervise } from "./supervise";
import { writeLogLine } from "./terminal";

/** What a program that embeds `run` may hook into (`npm start` does). */
export interface RunHooks {
  /** The proxy is up, `ms` milliseconds after the user began to wait. */
  onReady?: (engine: RunningEngine, ms: number) => void;
  /** When the user began to wait, by `performance.now()`; default: when the process started. */
  began?: number;
}

/** `proxy-wasm run`: a bootstrap file on one of the two engines, until a signal. */
export function runCommand(outcome: { exitCode: number }, hooks: RunHooks): Command {
  return new Command("run")
    .description("Run an Envoy bootstrap file: in the Node reference proxy, or in real Envoy.")
    .argument("[envoy.yaml]", "the bootstrap file, YAML or JSON")
    .option("-c, --config-path <file>", "the bootstrap file, as Envoy's own flag")
    .addOption(
      new Option("--engine <name>", "which proxy runs it").choices(["node", "envoy"]).default("node"),
    )
    .option("--lenient", "node engine: fields it does not support are warnings, not errors")
    .option(
      "--substitute",
      "node engine: this package's filters in the place of Envoy's rbac, fault, local_ratelimit",
    )
    .option("--set <path=value>", "override one field of the file (again for more)", setArgument)
    .addOption(
      new Option("-l, --log-level <level>", "how much is logged")
        .choices(LEVEL_NAMES)
        .argParser(levelArgument),
    )
    .option(
      "--component-log-level <list>",
      "levels of single components: wasm:trace,http:debug",
      componentLevelsArgument,
    )
    .option("--trace", "node engine: a line for every callback and hostcall, secrets masked")
    .option("--trace-full", "as --trace, with nothing masked and hardly anything cut")
    .option(
      "--inspect [port]",
      "node engine: a local page that shows every stream, hook by hook",
      portArgument,
    )
    .option(
      "--max-callback-ms <n>",
      "node engine: ends a callback that runs longer, its VM is failed",
      countArgument,
    )
    .option("--concurrency <n>", "worker threads (the node engine always runs one)", countArgument)
    .option(
      "--status <[address:]port>",
      "health and merged metrics, as at port 15020 of a mesh's sidecar",
      statusArgument,
    )
    .option("--app-metrics <url>", "with --status: the app's metrics, joined to the proxy's", urlArgument)
    .option("--app-health <name=url>", "with --status: the app's health (again for more)", probeArgument)
    .option(
      "--watch",
      "follow the file, the modules it names and their sources; what is refused changes nothing",
    )
    .option(
      "--build <entry=module>",
      "compile a module first, and again when a source changes",
      buildArgument,
    )
    .addHelpText("after", HELP)
    .action(async (file: string | undefined, options: RunOptions) => {
      outcome.exitCode = await run(file, options, hooks);
    });
}

const HELP = `
Examples:
  $ proxy-wasm run envoy.yaml
  $ proxy-wasm run envoy.yaml --engine envoy                 the same file in real Envoy
  $ ENVOY_IMAGE=envoyproxy/envoy:v1.40.0 proxy-wasm run envoy.yaml --engine envoy
                                                             in a container, with this machine's network
  $ proxy-wasm run envoy.yaml -l warning --component-log-level wasm:trace
  $ proxy-wasm run envoy.yaml -l warning --trace             what plugins are called with, and what they call
  $ proxy-wasm run envoy.yaml --substitute                   a file with Envoy's own rbac, fault or local_ratelimit;
                                                             the log says what each became
  $ proxy-wasm run envoy.yaml --inspect                      a page on 127.0.0.1 with every stream, hook by hook
  $ proxy-wasm run envoy.yaml --set admin.address.socket_address.port_value=0
                                                             a free port; the "ready" line tells which
  $ proxy-wasm run envoy.yaml --status 15020 --app-metrics http://127.0.0.1:8080/metrics
                                                             /healthz/ready, /health, and one page of metrics
  $ proxy-wasm run envoy.yaml --watch --build index.ts=build/my-filter.wasm
                                                             edit the filter or the file: traffic goes on

--trace writes plain lines between those of the log, each with the time, the plugin and its context:
  10:05:15.486 hello#2 ==> proxy_on_request_headers(context=2, headers=5, endOfStream=true)
  10:05:15.486 hello#2   ==> proxy_get_header_map_value(map=HttpRequestHeaders, key=":path") <== OK "/a"
  10:05:15.487 hello#2 <== Continue in 0.05 ms
Values that go by names such as authorization, cookie or api-key are masked; long ones are cut at 120 bytes.

Relative paths in the file count from the working directory, as in Envoy. The log goes to stderr in Envoy's
format. SIGINT (Ctrl-C) and SIGTERM let requests in flight finish, 10 s at most; a second one ends at once.
Exit codes: 0 stopped, 1 failed to start or died, 2 wrong usage.`;

const NO_ADMIN = "the file has no admin block, so what --status opened answers every check with 503";

async function run(positional: string | undefined, options: RunOptions, hooks: RunHooks): Promise<number> {
  const configPath = positional ?? options.configPath;
  if (configPath === undefined)
    throw new UsageError("which file? proxy-wasm run envoy.yaml (or -c envoy.yaml)");
  if (positional !== undefined && options.configPath !== undefined)
    throw new UsageError("the file is given twice: as an argument and with -c");
  checkOptions(options);
  // Where the proxy listens is what the command is run for: only "off" hides it.
  const log = createLogger(writeLogLine, options.logLevel === Level.Off ? Level.Off : Level.Info);
  if (options.engine === "node" && (options.concurrency ?? 1) > 1)
    log.log("main", Level.Warn, "proxy-wasm", `the node engine runs 1 worker, not ${options.concurrency}`);
  const inspected = options.inspect === undefined ? undefined : await inspect(configPath, options);
  const engine = inspected?.engine ?? (await loadEngine(options.engine));
  const onBug = bugLogger(log);
  const say = (line: string) => log.log("main", Level.Info, "proxy-wasm", line);
  let status: Awaited<ReturnType<typeof statusPage>>;
  try {
    status = await statusPage(options, say);
    return await supervise(
      () => start(engine, engineOptions(configPath, options), options, say),
      (running) => {
        const ms = Math.round(performance.now() - (hooks.began ?? 0));
        say(readyLine(running, ms));
        if (options.engine === "node") process.on("uncaughtException", onBug);
        status?.follow(running);
        if (status && !running.admin) log.log("main", Level.Warn, "proxy-wasm", NO_ADMIN);
        if (inspected) say(`inspector: ${inspected.url}`);
        hooks.onReady?.(running, ms);
      },
    );
  } finally {
    process.off("uncaughtException", onBug);
    status?.close();
    await inspected?.close();
  }
}

/** Health and merged metrics, if they are wanted; they say "not yet" until the proxy is up. */
async function statusPage(options: RunOptions, say: (line: string) => void) {
  if (!options.status) return undefined;
  const { StatusServer } = await import("./status/server");
  const status = new StatusServer({
    address: options.status,
    appMetrics: options.appMetrics,
    appHealth: options.appHealth ?? new Map(),
  });
  say(`status: ${await status.listen()}`);
  return status;
}

/** The node engine under an inspector, and the address of its page. */
async function inspect(configPath: string, options: RunOptions) {
  const [{ nodeEngine }, { Inspector }] = await Promise.all([
    import("../proxy/index"),
    import("../inspector/inspector"),
  ]);
  const inspector = new Inspector(engineOptions(configPath, options));
  const url = await inspector.listen(typeof options.inspect === "number" ? options.inspect : 0);
  const engine: Engine = {
    name: "node",
    start: (given) =>
      nodeEngine.start({
        ...given,
        watcher: inspector.recorder,
        writeLog(line) {
          inspector.recorder.log(line);
          given.writeLog?.(line);
        },
      }),
  };
  return { engine, url, close: () => inspector.close() };
}

/** Compiles what is to be compiled, and starts; what follows files is loaded only when it is wanted. */
async function start(
  engine: Engine,
  engineOptions: EngineOptions,
  { watch, build = [] }: RunOptions,
  say: (line: string) => void,
): Promise<RunningEngine> {
  if (!watch && build.length === 0) return engine.start(engineOptions);
  const { ModuleBuilds, WatchedEngine } = await import("./watch/index");
  const builds = new ModuleBuilds(build);
  for (const module of await builds.run()) say(`compiled ${module}`);
  if (!watch) return engine.start(engineOptions);
  return WatchedEngine.start(engine, engineOptions, builds, {
    say,
    refuse(error) {
      report(error);
      say("what ran before runs on");
    },
  });
}

/**
 * Streams catch what goes wrong in serving them. What is thrown elsewhere (a timer, a connection nobody uses) is a defect
 * of this host, too, and no reason for all streams to end.
 */
function bugLogger(log: Logger): (error: unknown) => void {
  return (error) => log.log("main", Level.Critical, "proxy-wasm", hostBug("the proxy", error));
}

/** Each engine is a bundle chunk of its own: only the wanted one is loaded. */
async function loadEngine(name: EngineName): Promise<Engine> {
  return name === "node"
    ? (await import("../proxy/index")).nodeEngine
    : (await import("../envoy/index")).envoyEngine;
}

function engineOptions(configPath: string, options: RunOptions): EngineOptions {
  return {
    configPath,
    writeLog: writeLogLine,
    ...(options.set && { set: options.set }),
    ...(options.lenient && { lenient: true }),
    ...(options.substitute && { substitute: join(packageRoot(), "build/filters") }),
    ...(options.logLevel !== undefined && { logLevel: options.logLevel }),
    ...(options.componentLogLevel && { componentLogLevels: options.componentLogLevel }),
    ...(options.trace && { trace: "masked" }),
    ...(options.traceFull && { trace: "full" }),
    ...(options.maxCallbackMs !== undefined && { maxCallbackMs: options.maxCallbackMs }),
    ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
  };
}

function readyLine({ engine, admin, listeners }: RunningEngine, ms: number): string {
  const places = listeners.map(({ name, host, port }) => `${name} ${host}:${port}`);
  if (admin) places.push(`admin ${admin.host}:${admin.port}`);
  return `${engine} engine ready in ${ms} ms: ${places.join(", ")}`;
}
