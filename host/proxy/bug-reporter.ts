import { LogLevel } from "../../sdk/abi/log-level";
import { hostBug } from "../errors";
import type { Logger } from "../log";

/** Logs what was thrown while a chain of filters ran; the chain ends its stream, the proxy lives. */
export function bugReporter(log: Logger): (error: unknown) => void {
  return (error) =>
    log.log("main", LogLevel.Critical, "host/proxy/bug-reporter.ts", hostBug("a filter chain", error));
}
