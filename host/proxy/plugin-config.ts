import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { WasmPluginConfig } from "../config/model";
import { type ConfigIssue, ModuleError, PluginConfigError, VmTrapError } from "../errors";
import type { PluginConfig } from "../plugin/plugin-config";

/** Reads the module and the host variables a plugin was promised. */
export function pluginConfig(config: WasmPluginConfig): PluginConfig {
  const environment = new Map(config.environment);
  for (const name of config.hostEnvironment) {
    const value = process.env[name];
    if (value !== undefined) environment.set(name, value);
  }
  const { code } = config;
  return {
    name: config.name,
    rootId: config.rootId,
    vmId: config.vmId,
    vmConfiguration: config.vmConfiguration,
    configuration: config.configuration,
    module: code.kind === "file" ? readFileSync(code.path) : code.bytes,
    moduleName: code.kind === "file" ? code.path : "inline_bytes",
    ...(code.kind === "file" && { readBeside: (path: string) => readBeside(code.path, path) }),
    failurePolicy: config.failurePolicy,
    reloadBackoffMs: config.reloadBackoffMs,
    allowOnHeadersStopIteration: config.allowOnHeadersStopIteration,
    environment,
    allowedCapabilities: config.allowedCapabilities,
  };
}

/** A text file in the module's folder or below it; undefined when there is none. */
function readBeside(module: string, path: string): string | undefined {
  const folder = dirname(resolve(module));
  const file = resolve(folder, path);
  if (relative(folder, file).startsWith("..")) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** What a plugin or its module was refused for, with the place to blame; other errors are thrown on. */
export function issueOf(error: unknown, config: WasmPluginConfig): ConfigIssue {
  if (error instanceof PluginConfigError) {
    return { position: config.position, path: config.positionPath, message: error.message };
  }
  const unreadable = error instanceof Error && "syscall" in error;
  if (error instanceof ModuleError || error instanceof VmTrapError || unreadable) {
    return { position: config.codePosition, path: config.codePath, message: error.message };
  }
  throw error;
}
