import type { FailurePolicy, PluginConfig } from "../plugin/plugin-config";
import { loadModule } from "./module-cache";

/** One plugin under test; what is left out is as Envoy has it. */
export interface PluginSpec {
  /** Path of a `.wasm` file, or of an AssemblyScript entry or folder, which is compiled. */
  module: string;
  /** Default: the root id. */
  name?: string;
  /** Default: the only filter that the module registers. */
  rootId?: string;
  vmId?: string;
  /** An object is handed over as JSON text, text as UTF-8. */
  configuration?: object | string | Buffer;
  vmConfiguration?: object | string | Buffer;
  failurePolicy?: FailurePolicy;
  reloadBackoffMs?: number;
  allowOnHeadersStopIteration?: boolean;
  environment?: Readonly<Record<string, string>>;
  allowedCapabilities?: readonly string[];
}

export async function pluginConfig(spec: PluginSpec): Promise<PluginConfig> {
  const { wasm, name: moduleName, readBeside } = await loadModule(spec.module);
  const { rootId = "", vmId = "", allowedCapabilities } = spec;
  return {
    name: spec.name ?? rootId,
    rootId,
    vmId,
    configuration: configurationBytes(spec.configuration),
    vmConfiguration: configurationBytes(spec.vmConfiguration),
    module: Buffer.from(wasm),
    moduleName,
    readBeside,
    failurePolicy: spec.failurePolicy ?? "fail-closed",
    reloadBackoffMs: spec.reloadBackoffMs ?? 1000,
    allowOnHeadersStopIteration: spec.allowOnHeadersStopIteration ?? false,
    environment: new Map(Object.entries(spec.environment ?? {})),
    allowedCapabilities: allowedCapabilities && new Set(allowedCapabilities),
  };
}

function configurationBytes(value: object | string | Buffer = ""): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}
