import { WASI, type WasiName } from "../abi/wasi";
import { Mode } from "../vm/vm";

/** WASI functions that need a context or end the process: illegal in start code. */
const NOT_AT_START: ReadonlySet<WasiName> = new Set([
  "proc_exit",
  "sched_yield",
  "fd_read",
  "fd_seek",
  "fd_close",
  "path_open",
]);

const AT_START: ReadonlySet<string> = new Set([
  "proxy_log",
  "emscripten_notify_memory_growth",
  ...(Object.keys(WASI) as WasiName[]).filter((name) => !NOT_AT_START.has(name)),
]);

/** What the allocator export may call while the host waits for memory. */
const WHILE_ALLOCATING: ReadonlySet<string> = new Set([
  "proxy_log",
  "fd_write",
  "clock_time_get",
  "poll_oneoff",
]);

/** Is a host function legal in this mode? An illegal call traps, as in Envoy. */
export function legalIn(mode: Mode, name: string): boolean {
  if (mode === Mode.Running) return true;
  if (mode === Mode.Linking) return false;
  return (mode === Mode.Starting ? AT_START : WHILE_ALLOCATING).has(name);
}
