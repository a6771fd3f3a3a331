/** Where in a configuration file a problem sits; lines and columns count from 1. */
export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

/** Base of every error this package throws on purpose. `code` is stable; docs/errors.md lists them. */
export class ProxyWasmError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The log's words for a defect of this host that shows itself while it runs. */
export function hostBug(where: string, error: unknown): string {
  return `host bug in ${where}: ${(error as Error | undefined)?.stack ?? error}`;
}

/** The module's bytes, exports or imports are not what a proxy-wasm host can run. */
export class ModuleError extends ProxyWasmError {
  constructor(message: string, options?: ErrorOptions) {
    super("PW_MODULE", message, options);
  }
}

/** The guest trapped; its VM is failed for good. */
export class VmTrapError extends ProxyWasmError {
  constructor(
    readonly callback: string,
    message: string,
    /** The guest's stack, innermost frame first, a line each. */
    readonly backtrace: readonly string[],
    options?: ErrorOptions,
  ) {
    super("PW_TRAP", message, options);
  }
}

/** A plugin refused its configuration, or trapped while reading it. */
export class PluginConfigError extends ProxyWasmError {
  constructor(message: string, options?: ErrorOptions) {
    super("PW_PLUGIN_CONFIG", message, options);
  }
}

/** One thing wrong in a configuration file. */
export interface ConfigIssue {
  position: SourcePosition;
  /** Field path as Envoy users write it: `static_resources.listeners[0].address`. */
  path: string;
  message: string;
}

/** `file:line:column: path: message`, the form of every configuration error. */
export function formatIssue(issue: ConfigIssue): string {
  const { file, line, column } = issue.position;
  const where = `${file}:${line}:${column}: `;
  return issue.path === "" ? where + issue.message : `${where}${issue.path}: ${issue.message}`;
}

/** A configuration file cannot be used; `issues` holds everything found, in file order. */
export class ConfigError extends ProxyWasmError {
  constructor(readonly issues: ConfigIssue[]) {
    super("PW_CONFIG", issues.map(formatIssue).join("\n"));
  }
}

/** The command line is wrong: exit code 2. */
export class UsageError extends ProxyWasmError {
  constructor(message: string, options?: ErrorOptions) {
    super("PW_USAGE", message, options);
  }
}

/** An engine could not start: port in use, module refused, no Envoy to be had. Exit code 1. */
export class StartError extends ProxyWasmError {
  constructor(message: string, options?: ErrorOptions) {
    super("PW_START", message, options);
  }
}

/** AssemblyScript sources do not compile into a proxy-wasm module. */
export class BuildError extends ProxyWasmError {
  constructor(message: string, options?: ErrorOptions) {
    super("PW_BUILD", message, options);
  }
}

/** A test left a request or a call open, or a filter called a cluster that the test does not mock. */
export class UnfinishedError extends ProxyWasmError {
  constructor(message: string) {
    super("PW_UNFINISHED", message);
  }
}
