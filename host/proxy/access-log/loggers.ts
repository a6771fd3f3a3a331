import type { Clock } from "../../clock";
import type { AccessLogConfig, LogFilterConfig } from "../../config/model";
import type { LogType } from "../../formatter/log-types";
import type { AccessLogger } from "../../stream/access-logger";
import type { LogFile } from "./log-file";
import type { LogFiles } from "./log-files";
import { logFilter } from "./log-filter";

/** What loggers are made from. */
export interface LoggerDeps {
  readonly clock: Clock;
  readonly files: LogFiles;
  /** Those of plugins, in the order of the configuration. */
  readonly wasm: readonly AccessLogger[];
}

/**
 * What writes the entries of an `access_log`, in the order of the configuration; opens the files. `usual`: what an entry
 * is written for when nobody says. Throws StartError.
 */
export function createLoggers(
  configs: readonly AccessLogConfig[],
  { clock, files, wasm }: LoggerDeps,
  usual: LogType,
): AccessLogger[] {
  const plugins = [...wasm];
  return configs.flatMap(({ filter, sink }) => {
    const logger =
      sink.kind === "wasm" ? plugins.shift() : fileLogger(sink.format, files.open(sink.path), clock, usual);
    if (!logger) return [];
    return filter ? [filtered(logger, filter, clock, usual)] : [logger];
  });
}

type Format = Extract<AccessLogConfig["sink"], { kind: "file" }>["format"];

const fileLogger = (format: Format, file: LogFile, clock: Clock, usual: LogType): AccessLogger => ({
  log: (info, logType = usual) => file.write(format.format({ info, clock, logType: logType as LogType })),
});

function filtered(logger: AccessLogger, config: LogFilterConfig, clock: Clock, usual: LogType): AccessLogger {
  const filter = logFilter(config);
  return {
    log(info, logType = usual) {
      if (filter({ info, clock, logType: logType as LogType })) logger.log(info, logType);
    },
  };
}
