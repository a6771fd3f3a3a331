import type { WasmPluginConfig } from "../model";
import { type FieldPath, formatPath } from "../path";
import type { RawPlugin } from "../schema/bootstrap";
import { durationMs } from "../schema/scalars";
import { locate, type Source } from "../yaml";
import { anyBytes } from "./any";

const POLICIES = {
  UNSPECIFIED: "fail-closed",
  FAIL_CLOSED: "fail-closed",
  FAIL_OPEN: "fail-open",
  FAIL_RELOAD: "fail-reload",
} as const;

const DEFAULT_BACKOFF_MS = 1000;

/** A plugin's part of the file; `path` leads to its `config`. */
export function convertPlugin(raw: RawPlugin, path: FieldPath, source: Source): WasmPluginConfig {
  const { local } = raw.vm_config.code;
  const environment = raw.vm_config.environment_variables;
  const codePath = [...path, "vm_config", "code", "local"];
  const configurationPath = [...path, raw.configuration ? "configuration" : "vm_config"];
  const capabilities = Object.keys(raw.capability_restriction_config?.allowed_capabilities ?? {});
  const backoff = raw.reload_config?.backoff?.base_interval;
  return {
    name: raw.name ?? "",
    rootId: raw.root_id ?? "",
    vmId: raw.vm_config.vm_id ?? "",
    vmConfiguration: anyBytes(raw.vm_config.configuration),
    configuration: anyBytes(raw.configuration),
    code:
      local.filename !== undefined
        ? { kind: "file", path: local.filename }
        : {
            kind: "inline",
            bytes:
              local.inline_bytes !== undefined
                ? Buffer.from(local.inline_bytes, "base64")
                : Buffer.from(local.inline_string ?? ""),
          },
    codePosition: locate(source, [...codePath, "filename"], "value"),
    codePath: formatPath([...codePath, local.filename === undefined ? "inline_bytes" : "filename"]),
    failurePolicy: raw.fail_open ? "fail-open-legacy" : POLICIES[raw.failure_policy ?? "UNSPECIFIED"],
    reloadBackoffMs: backoff === undefined ? DEFAULT_BACKOFF_MS : durationMs(backoff),
    allowOnHeadersStopIteration: raw.allow_on_headers_stop_iteration ?? false,
    environment: new Map(Object.entries(environment?.key_values ?? {})),
    hostEnvironment: environment?.host_env_keys ?? [],
    allowedCapabilities: capabilities.length > 0 ? new Set(capabilities) : undefined,
    position: locate(source, configurationPath, "key"),
    positionPath: formatPath(configurationPath),
  };
}
