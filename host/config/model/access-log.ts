import type { LogType } from "../../formatter/log-types";
import type { Format } from "../../formatter/text-format";
import type { Fraction } from "./common";
import type { HeaderMatcherConfig } from "./route-match";
import type { WasmPluginConfig } from "./wasm";

/** One entry of an `access_log`. */
export interface AccessLogConfig {
  filter: LogFilterConfig | undefined;
  sink: LogSinkConfig;
}

export type LogSinkConfig =
  | { kind: "wasm"; plugin: WasmPluginConfig }
  /** `/dev/stdout` and `/dev/stderr` stand for the process's own. */
  | { kind: "file"; path: string; format: Format };

/** `ComparisonFilter` with its default value: there is no runtime that could change it. */
export interface Comparison {
  op: "EQ" | "GE" | "LE" | "NE";
  value: number;
}

/** `AccessLogFilter` */
export type LogFilterConfig =
  | { kind: "status code" | "duration"; comparison: Comparison }
  | { kind: "not health check" | "traceable" }
  | { kind: "runtime"; fraction: Fraction; independent: boolean }
  | { kind: "and" | "or"; filters: LogFilterConfig[] }
  | { kind: "header"; header: HeaderMatcherConfig }
  /** Bits; 0 = any flag at all. */
  | { kind: "response flags"; flags: number }
  | { kind: "grpc status"; statuses: ReadonlySet<number>; exclude: boolean }
  | { kind: "log type"; types: ReadonlySet<LogType>; exclude: boolean };

/** `access_log_options` */
export interface AccessLogOptions {
  /** Milliseconds between entries of a stream that goes on; 0 = none. */
  flushIntervalMs: number;
  /** An entry at the beginning: of a request, or when the host of a connection has answered. */
  atStart: boolean;
}
