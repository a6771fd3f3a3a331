import type { SourcePosition } from "../../errors";

/** A plugin beside the listeners; a singleton runs on the main thread alone. */
export interface WasmServiceConfig {
  plugin: WasmPluginConfig;
  singleton: boolean;
}

/** A plugin as configured; the module is read later (config does no I/O but file paths are checked by `loadBootstrap`). */
export interface WasmPluginConfig {
  name: string;
  rootId: string;
  vmId: string;
  vmConfiguration: Buffer;
  configuration: Buffer;
  code: { kind: "file"; path: string } | { kind: "inline"; bytes: Buffer };
  codePosition: SourcePosition;
  codePath: string;
  failurePolicy: "fail-closed" | "fail-open" | "fail-open-legacy" | "fail-reload";
  reloadBackoffMs: number;
  allowOnHeadersStopIteration: boolean;
  environment: Map<string, string>;
  /** Names of host variables to pass through when they exist. */
  hostEnvironment: string[];
  allowedCapabilities: Set<string> | undefined;
  /** Where the plugin's configuration stands, for "refused its configuration" messages. */
  position: SourcePosition;
  positionPath: string;
}
