import type { LogLevel } from "../sdk/abi/log-level";
import type { Component } from "./log";

export type EngineName = "node" | "envoy";

/** What `proxy-wasm run` hands to an engine; both engines read the same file. */
export interface EngineOptions {
  /** Path of the bootstrap file as the user gave it; relative paths inside count from the working directory. */
  configPath: string;
  /** `key=value` overrides of single fields of the file. */
  set?: readonly string[];
  /** Unsupported fields are warnings instead of errors (node engine only). */
  lenient?: boolean;
  /** Folder of modules that take the place of Envoy's own filters (node engine only). */
  substitute?: string;
  logLevel?: LogLevel;
  componentLogLevels?: ReadonlyMap<Component, LogLevel>;
  /** Every callback and hostcall to the log, secrets masked or not (node engine only). */
  trace?: "masked" | "full";
  /** How long a callback may run, milliseconds (node engine only). */
  maxCallbackMs?: number;
  /** Worker threads; the node engine always runs one. */
  concurrency?: number;
  /** Milliseconds until lines of access logs are written at the latest; default 10 000. */
  logFlushMs?: number;
  /** Receives every log line with its newline, as Latin-1 text. Default: stderr. */
  writeLog?: (line: string) => void;
}

export interface ListenerAddress {
  name: string;
  host: string;
  port: number;
}

/** A proxy that is up: listeners accept, `/ready` answers 200 `LIVE`. */
export interface RunningEngine {
  readonly engine: EngineName;
  /** Undefined when the file has no `admin` block. */
  readonly admin: { host: string; port: number } | undefined;
  readonly listeners: readonly ListenerAddress[];
  /** Resolves when the proxy ended, whoever ended it; never rejects. */
  readonly ended: Promise<{ code: number; reason: string }>;
  /**
   * Takes over what its file and modules say now, under traffic: answers the names of what was changed (plugins, routes,
   * listeners, clusters), or "restart" when a running proxy cannot. Rejects with ConfigError or StartError, and then nothing
   * has changed. Absent: the engine cannot at all.
   */
  reload?(): Promise<readonly string[] | "restart">;
  /** Access logs go to what has their paths now: files may have been moved away. */
  reopenLogs?(): void;
  /** Drains in-flight requests for at most `drainMs` (default 10 000), then closes everything. */
  stop(drainMs?: number): Promise<void>;
  /** Ends at once, in-flight requests are cut. */
  kill(): Promise<void>;
}

/** One of the two proxies that run a bootstrap file. `start` rejects with StartError or ConfigError. */
export interface Engine {
  readonly name: EngineName;
  start(options: EngineOptions): Promise<RunningEngine>;
}
