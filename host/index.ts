export { buildModule } from "./build/index";
export type { Engine, EngineName, EngineOptions, ListenerAddress, RunningEngine } from "./engine";
export { envoyEngine } from "./envoy/index";
export {
  BuildError,
  ConfigError,
  type ConfigIssue,
  formatIssue,
  ModuleError,
  PluginConfigError,
  ProxyWasmError,
  type SourcePosition,
  StartError,
  UsageError,
  VmTrapError,
} from "./errors";
export { nodeEngine } from "./proxy/index";
