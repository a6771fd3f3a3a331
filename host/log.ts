import { LogLevel } from "../sdk/abi/log-level";

/** Names Envoy prints for the levels, indexed by {@link LogLevel}. */
export const LEVEL_NAMES = ["trace", "debug", "info", "warning", "error", "critical", "off"] as const;

/** Envoy's own logger names that this host uses. */
export type Component =
  | "main"
  | "config"
  | "admin"
  | "http"
  | "connection"
  | "router"
  | "upstream"
  | "wasm"
  | "misc";

/** A sink for lines in Envoy's default format. Guest text is Latin-1 so that its bytes leave as they came. */
export interface Logger {
  enabled(component: Component, level: LogLevel): boolean;
  /** `source` stands where Envoy prints `file:line`. */
  log(component: Component, level: LogLevel, source: string, message: string): void;
  level(component: Component): LogLevel;
  setLevel(component: Component | "*", level: LogLevel): void;
  levels(): ReadonlyMap<Component, LogLevel>;
}

/** Takes a trace of callbacks and hostcalls, a line of Unicode text at a time, without its newline. */
export interface TraceSink {
  /** `context` is the one in effect, an object of its own for each context of a plugin; absent while a VM starts. */
  write(line: string, context?: object): void;
  /** Show values as they are: nothing masked, little cut. */
  readonly full?: boolean;
}

/** Every logger this host has, in order. */
export const COMPONENTS: readonly Component[] = [
  "admin",
  "config",
  "connection",
  "http",
  "main",
  "misc",
  "router",
  "upstream",
  "wasm",
];

/** Reads `warn` as well as `warning`; undefined for anything that is no level. */
export function parseLevel(text: string): LogLevel | undefined {
  const at = LEVEL_NAMES.indexOf((text === "warn" ? "warning" : text) as (typeof LEVEL_NAMES)[number]);
  return at < 0 ? undefined : (at as LogLevel);
}

export function isComponent(text: string): text is Component {
  return (COMPONENTS as readonly string[]).includes(text);
}

const two = (n: number) => String(n).padStart(2, "0");

/** `13:52:37.758` in local time. */
export function timeOfDay(now: Date): string {
  const ms = String(now.getMilliseconds()).padStart(3, "0");
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${ms}`;
}

/** `[2026-11-23 13:52:37.758][14246][info][wasm] [source] message` in local time, as Envoy prints it. */
export function formatLine(
  now: Date,
  pid: number,
  component: Component,
  level: LogLevel,
  source: string,
  message: string,
): string {
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `[${day} ${timeOfDay(now)}][${pid}][${LEVEL_NAMES[level]}][${component}] [${source}] ${message}\n`;
}

/** A logger that hands finished lines (Latin-1 strings, newline included) to `write`. */
export function createLogger(write: (line: string) => void, level = LogLevel.Info): Logger {
  const levels = new Map<Component, LogLevel>(COMPONENTS.map((c) => [c, level]));
  return {
    enabled: (component, at) => at >= levels.get(component)!,
    log(component, at, source, message) {
      if (at < levels.get(component)!) return;
      write(formatLine(new Date(), process.pid, component, at, source, message));
    },
    level: (component) => levels.get(component)!,
    setLevel(component, at) {
      for (const c of component === "*" ? COMPONENTS : [component]) levels.set(c, at);
    },
    levels: () => levels,
  };
}
