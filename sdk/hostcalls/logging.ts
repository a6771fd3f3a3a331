import { LogLevel } from "../abi/log-level";
import { proxy_get_log_level, proxy_log } from "../env";
import { encode, encodedSize } from "../memory/encode";
import { OUT, VALUE, VALUE_SIZE } from "../memory/layout";

/** Level the proxy logs wasm lines at now: `LogLevel.Trace` (everything) to `LogLevel.Off`. */
export function logLevel(): LogLevel {
  proxy_get_log_level(OUT);
  return load<i32>(OUT);
}

/**
 * Whether a line of this level would be written. Ask it before building a costly message: the log functions ask too,
 * but by then the string exists.
 */
export function isLogging(level: LogLevel): bool {
  return <i32>level >= <i32>logLevel();
}

/** Logs a line if the level is active. */
export function log(level: LogLevel, message: string): void {
  if (isLogging(level)) write(level, message);
}

/** Logs without asking for the level first; the proxy drops what it does not want. */
export function write(level: LogLevel, message: string): void {
  const text = encode(message, VALUE, VALUE_SIZE);
  proxy_log(level, text, encodedSize());
}

export function logTrace(message: string): void {
  log(LogLevel.Trace, message);
}

export function logDebug(message: string): void {
  log(LogLevel.Debug, message);
}

export function logInfo(message: string): void {
  log(LogLevel.Info, message);
}

export function logWarn(message: string): void {
  log(LogLevel.Warn, message);
}

export function logError(message: string): void {
  write(LogLevel.Error, message);
}

export function logCritical(message: string): void {
  write(LogLevel.Critical, message);
}
