import { LogLevel } from "../../sdk/abi/log-level";
import { hostBug } from "../errors";
import type { Logger } from "../log";
import type { OnBug } from "./contain";

/** Logs what was thrown while a stream was served; the stream at hand ends, the proxy lives. */
export function bugReporter(log: Logger): OnBug {
  return (error) =>
    log.log("main", LogLevel.Critical, "host/proxy/bug-reporter.ts", hostBug("a stream", error));
}
