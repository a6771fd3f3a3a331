import type { LogLevel } from "../../sdk/abi/log-level";
import type { EngineName } from "../engine";
import { UsageError } from "../errors";
import { COMPONENTS, type Component, isComponent } from "../log";
import type { StatusAddress } from "./status/options";
import type { ModuleBuild } from "./watch/module-build";

/** What `proxy-wasm run` was told. */
export interface RunOptions {
  configPath?: string;
  engine: EngineName;
  lenient?: boolean;
  set?: string[];
  substitute?: boolean;
  logLevel?: LogLevel;
  componentLogLevel?: ReadonlyMap<Component, LogLevel>;
  concurrency?: number;
  watch?: boolean;
  build?: ModuleBuild[];
  trace?: boolean;
  traceFull?: boolean;
  maxCallbackMs?: number;
  inspect?: number | true;
  status?: StatusAddress;
  appMetrics?: string;
  appHealth?: Map<string, string>;
}

type Check = [wrong: (options: RunOptions) => unknown, message: string];

const NODE_ONLY: readonly Check[] = [
  [
    ({ trace, traceFull }) => trace || traceFull,
    "--trace is the node engine's; with --engine envoy use --component-log-level wasm:trace",
  ],
  [({ maxCallbackMs }) => maxCallbackMs !== undefined, "--max-callback-ms is the node engine's"],
  [({ substitute }) => substitute, "--substitute is the node engine's; Envoy has these filters itself"],
  [
    ({ inspect }) => inspect !== undefined,
    "--inspect is the node engine's; its page compares single streams with Envoy",
  ],
];

const TOGETHER: readonly Check[] = [
  [
    ({ status, appMetrics, appHealth }) => !status && (appMetrics !== undefined || appHealth),
    "--app-metrics and --app-health are shown by --status: add --status 15020",
  ],
];

/** Throws UsageError for options that do not go together. */
export function checkOptions(options: RunOptions): void {
  if (options.engine === "node") knownComponents(options.componentLogLevel);
  for (const [wrong, message] of [...(options.engine === "envoy" ? NODE_ONLY : []), ...TOGETHER])
    if (wrong(options)) throw new UsageError(message);
}

function knownComponents(levels: ReadonlyMap<string, LogLevel> | undefined): void {
  for (const name of levels?.keys() ?? [])
    if (!isComponent(name))
      throw new UsageError(`the node engine has no log component '${name}'; it has ${COMPONENTS.join(", ")}`);
}
