import { LogLevel } from "./abi/log-level";
import { currentTime, monotonicTime } from "./hostcalls/clock";
import { isLogging, log } from "./hostcalls/logging";
import { OUT } from "./memory/layout";
import { random_get } from "./wasi_snapshot_preview1";

/**
 * What the globals of AssemblyScript stand for in a proxy: clocks, randomness and the log. `proxy-wasm build` binds
 * them; without that they would be imports no proxy has.
 */

/** `Date.now()`: milliseconds since 1970. */
export function dateNow(): f64 {
  return <f64>(currentTime() / 1000000);
}

/** `performance.now()`: milliseconds from an arbitrary start. */
export function performanceNow(): f64 {
  return <f64>monotonicTime() / 1000000;
}

/** What seeds `Math.random()`. */
export function seed(): f64 {
  random_get(OUT, 8);
  return load<f64>(OUT);
}

/** `trace(message, n, ...)`: a line at trace level. */
export function trace(
  message: string,
  n: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  if (!isLogging(LogLevel.Trace)) return;
  let line = message;
  if (n > 0) line += ` ${a0}`;
  if (n > 1) line += `, ${a1}`;
  if (n > 2) line += `, ${a2}`;
  if (n > 3) line += `, ${a3}`;
  if (n > 4) line += `, ${a4}`;
  log(LogLevel.Trace, line);
}

/** The functions of `console`. */
export function consoleAssert(condition: bool, message: string): void {
  if (!condition) log(LogLevel.Error, `assertion failed: ${message}`);
}

export function consoleDebug(message: string): void {
  log(LogLevel.Debug, message);
}

export function consoleInfo(message: string): void {
  log(LogLevel.Info, message);
}

export function consoleWarn(message: string): void {
  log(LogLevel.Warn, message);
}

export function consoleError(message: string): void {
  log(LogLevel.Error, message);
}

/** Running `console.time` stopwatches in static memory: a label's hash and its start, 16 bytes each. */
const STOPWATCHES: usize = memory.data(128, 8);
const STOPWATCHES_END: usize = STOPWATCHES + 128;

export function consoleTime(label: string): void {
  let slot = stopwatch(hash(label));
  if (slot == 0) slot = stopwatch(0);
  if (slot == 0) return; // all 8 are running
  store<u32>(slot, hash(label));
  store<i64>(slot, monotonicTime(), 8);
}

export function consoleTimeLog(label: string): void {
  const slot = stopwatch(hash(label));
  if (slot == 0) return;
  log(LogLevel.Info, `${label}: ${<f64>(monotonicTime() - load<i64>(slot, 8)) / 1000000} ms`);
}

export function consoleTimeEnd(label: string): void {
  consoleTimeLog(label);
  const slot = stopwatch(hash(label));
  if (slot != 0) store<u32>(slot, 0);
}

/** The slot with that hash (0 = a free one), or 0. */
function stopwatch(wanted: u32): usize {
  for (let slot = STOPWATCHES; slot < STOPWATCHES_END; slot += 16) if (load<u32>(slot) == wanted) return slot;
  return 0;
}

/** FNV-1a, never 0. */
function hash(label: string): u32 {
  let value: u32 = 2166136261;
  for (let i = 0; i < label.length; i++) value = (value ^ <u32>label.charCodeAt(i)) * 16777619;
  return value | 1;
}
