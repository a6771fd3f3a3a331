import { LogLevel } from "./abi/log-level";
import { write } from "./hostcalls/logging";

/** What `abort()`, a failed assertion or `throw` ends in: one critical line, then a trap. */
export function onAbort(
  message: string | null = null,
  file: string | null = null,
  line: u32 = 0,
  column: u32 = 0,
): void {
  write(
    LogLevel.Critical,
    `abort: ${message ? message : "no message"} at ${file ? file : "?"}:${line}:${column}`,
  );
  unreachable();
}
