import { LogLevel } from "../../sdk/abi/log-level";
import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";

type Names = "proxy_log" | "proxy_get_log_level" | "proxy_get_current_time_nanoseconds";

/** Writes a guest's line to the `wasm` logger, after the context's prefix. */
export function guestLog(env: HostcallEnv, level: LogLevel, message: string): void {
  const { log } = env.instance.deps;
  if (level === LogLevel.Critical) env.instance.vm.lastWords = message;
  if (level >= LogLevel.Error) env.instance.lastComplaint = message;
  if (!log.enabled("wasm", level)) return;
  const prefix = env.instance.current?.logPrefix ?? "";
  log.log("wasm", level, "guest", `wasm log${prefix}: ${message}`);
}

export const logging = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_log(level, ptr, size) {
    if (level >>> 0 > LogLevel.Critical) return Status.BadArgument;
    const message = env.memory.latin1(ptr, size);
    if (message === undefined) return Status.InvalidMemoryAccess;
    guestLog(env, level, message);
    return Status.Ok;
  },
  proxy_get_log_level: (out) => env.put32(out, env.instance.deps.log.level("wasm")),
  proxy_get_current_time_nanoseconds: (out) => env.put64(out, env.instance.deps.clock.now()),
});
