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
 * Whether a line of this level would be written. `proxy-wasm build` asks it before every `logTrace` to `logWarn` whose
 * message has to be built, so that a line below the level costs no string; ask it yourself before costlier work.
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

/** Logs a line at trace. */
export function logTrace(message: string): void {
  log(LogLevel.Trace, message);
}

/** Logs a line at debug. */
export function logDebug(message: string): void {
  log(LogLevel.Debug, message);
}

/** Logs a line at info. */
export function logInfo(message: string): void {
  log(LogLevel.Info, message);
}

/** Logs a line at warning. */
export function logWarn(message: string): void {
  log(LogLevel.Warn, message);
}

/** Logs a line at error. */
export function logError(message: string): void {
  write(LogLevel.Error, message);
}

/** Logs a line at critical. */
export function logCritical(message: string): void {
  write(LogLevel.Critical, message);
}

/** @internal What `proxy-wasm build` asks before it lets a message be built. */
export function isLoggingTrace(): bool {
  return isLogging(LogLevel.Trace);
}

/** @internal */
export function isLoggingDebug(): bool {
  return isLogging(LogLevel.Debug);
}

/** @internal */
export function isLoggingInfo(): bool {
  return isLogging(LogLevel.Info);
}

/** @internal */
export function isLoggingWarn(): bool {
  return isLogging(LogLevel.Warn);
}
