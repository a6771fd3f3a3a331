import { LogLevel } from "../../sdk/abi/log-level";
import { COMPONENTS, type Component, LEVEL_NAMES, type Logger } from "../log";

export interface LogEntry {
  level: (typeof LEVEL_NAMES)[number];
  /** What the guest, or the host about it, said; bytes read as UTF-8. */
  message: string;
  /** Who speaks, as Envoy prints it: `name root_id vm_id`, parts that are empty left out. */
  plugin: string;
}

/** `wasm log NAME ROOT_ID VM_ID: message`. */
const WASM_LINE = /^wasm log(?<plugin>[^:]*): (?<message>.*)$/s;

/** A logger that keeps everything, whatever the level the guest is told of. */
export class RecordedLog implements Logger {
  readonly entries: LogEntry[] = [];
  #level: LogLevel;

  constructor(level: LogLevel = LogLevel.Trace) {
    this.#level = level;
  }

  enabled(_component: Component, level: LogLevel): boolean {
    return level >= this.#level;
  }

  log(_component: Component, level: LogLevel, _source: string, line: string): void {
    if (level < this.#level) return;
    const { plugin = "", message = line } = WASM_LINE.exec(line)?.groups ?? {};
    this.entries.push({
      level: LEVEL_NAMES[level]!,
      message: Buffer.from(message, "latin1").toString(),
      plugin: plugin.trim(),
    });
  }

  level(): LogLevel {
    return this.#level;
  }

  setLevel(_component: Component | "*", level: LogLevel): void {
    this.#level = level;
  }

  levels(): ReadonlyMap<Component, LogLevel> {
    return new Map(COMPONENTS.map((component) => [component, this.#level]));
  }
}
