import type { EngineOptions } from "../engine";
import { LEVEL_NAMES } from "../log";

/** An admin interface of our own, merged over a file that has none, so that readiness can be seen. */
const PRIVATE_ADMIN = {
  admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
};

/** Envoy's arguments for one run. The file itself is handed over as it stands. */
export function envoyArguments(
  options: EngineOptions,
  files: { config: string; adminAddress: string; hasAdmin: boolean },
): string[] {
  const args = ["--config-path", files.config, "--admin-address-path", files.adminAddress];
  if (!files.hasAdmin) args.push("--config-yaml", JSON.stringify(PRIVATE_ADMIN));
  // Several Envoys run side by side in tests; hot restart would make them share a memory segment.
  args.push("--disable-hot-restart", "--use-dynamic-base-id");
  if (options.logFlushMs !== undefined) args.push("--file-flush-interval-msec", String(options.logFlushMs));
  if (options.concurrency !== undefined) args.push("--concurrency", String(options.concurrency));
  if (options.logLevel !== undefined) args.push("--log-level", LEVEL_NAMES[options.logLevel]);
  const components = [...(options.componentLogLevels ?? [])];
  if (components.length > 0)
    args.push(
      "--component-log-level",
      components.map(([component, level]) => `${component}:${LEVEL_NAMES[level]}`).join(","),
    );
  return args;
}
