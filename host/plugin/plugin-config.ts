/** What a bootstrap file says of one plugin, with its module's bytes already loaded. */
export interface PluginConfig {
  name: string;
  rootId: string;
  vmId: string;
  /** Bytes of `vm_config.configuration` after unwrapping the Any. */
  vmConfiguration: Buffer;
  /** Bytes of `configuration` after unwrapping the Any. */
  configuration: Buffer;
  module: Buffer;
  /** Name of the module for messages: its path, or `inline_bytes`. */
  moduleName: string;
  /** Reads a text file that lies beside the module, its source map for example. */
  readBeside?: (path: string) => string | undefined;
  failurePolicy: FailurePolicy;
  /** Base interval of the reload back-off, milliseconds. */
  reloadBackoffMs: number;
  allowOnHeadersStopIteration: boolean;
  environment: ReadonlyMap<string, string>;
  /** Names a guest may import or export; undefined = everything. */
  allowedCapabilities: ReadonlySet<string> | undefined;
}

/** `fail-open-legacy` is `fail_open: true`, which also lets the trapping stream pass. */
export type FailurePolicy = "fail-closed" | "fail-open" | "fail-open-legacy" | "fail-reload";
