import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { StartError } from "../errors";
import type { Launch } from "./envoy-process";
import { runCommand } from "./run-command";

/** Containers carry the process they belong to; one whose process is gone is removed by whoever comes next. */
export const OWNER_LABEL = "proxy-wasm-toolkit.owner";

/** Names one process of one machine, in letters that names of containers and compose projects may have. */
export function containerOwner(pid: number): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
  return `proxy-wasm-${host}-${pid}`;
}

/** False for an owner of this machine whose process is gone; others are not ours to judge. */
export function isOwnerAlive(owner: string): boolean {
  const prefix = containerOwner(0).slice(0, -1);
  const pid = owner.startsWith(prefix) ? Number(owner.slice(prefix.length)) : 0;
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

let started = 0;

/**
 * Envoy out of an image, with the network of this machine, so that addresses mean the same. It sees the working directory and
 * the folders of `files`, at their own paths, with this user's rights.
 *
 * @throws StartError when there is no Docker, or no such image to be had
 */
export async function envoyInContainer(
  image: string,
  files: readonly string[],
  onProgress: (line: string) => void,
): Promise<Launch> {
  await sweep(image);
  if ((await docker("image", "inspect", image)).code !== 0) {
    onProgress(`Envoy: pulling ${image}`);
    const { code, output } = await docker("pull", "--quiet", image);
    if (code !== 0) throw new StartError(`ENVOY_IMAGE=${image} cannot be pulled: ${output.trim()}`);
  }
  const owner = containerOwner(process.pid);
  const name = `${owner}-${started++}`;
  const folders = new Set([process.cwd(), ...files.map((file) => dirname(resolve(file)))]);
  const user = process.getuid ? [process.getuid(), process.getgid!()] : undefined;
  return {
    file: "docker",
    args: [
      ...["run", "--rm", "--name", name, "--label", `${OWNER_LABEL}=${owner}`, "--network", "host"],
      // What is attached still sees the log; only the engine keeps no copy of it.
      ...["--log-driver", "none", "--workdir", process.cwd()],
      ...[...folders].flatMap((folder) => ["--volume", `${folder}:${folder}`]),
      // The entry point of Envoy's own image would change to a user of its own.
      ...(user ? ["--user", user.join(":"), "--env", `ENVOY_UID=${user[0]}`] : []),
      ...[image, "envoy"],
    ],
    // Killing the docker command leaves the container running.
    kill: () => spawnSync("docker", ["kill", name], { stdio: "ignore" }),
  };
}

async function sweep(image: string): Promise<void> {
  const format = `{{.ID}} {{.Label "${OWNER_LABEL}"}}`;
  const list = await docker("ps", "--filter", `label=${OWNER_LABEL}`, "--format", format);
  if (list.code !== 0)
    throw new StartError(`ENVOY_IMAGE=${image} cannot be used without Docker: ${list.output.trim()}`);
  for (const line of list.output.trim().split("\n")) {
    const [id, owner] = line.split(" ");
    if (id && owner && !isOwnerAlive(owner)) await docker("rm", "--force", id);
  }
}

async function docker(...args: string[]): Promise<{ code: number | null; output: string }> {
  return runCommand("docker", args, process.env).catch((error: NodeJS.ErrnoException) => ({
    code: null,
    output: error.code === "ENOENT" ? "there is no docker command" : error.message,
  }));
}
