import { spawnSync } from "node:child_process";
import { isOwnerAlive, OWNER_LABEL } from "../../../host/envoy/container";

export interface Output {
  ok: boolean;
  /** stdout; stderr when that is empty. */
  text: string;
}

function run(command: string, args: readonly string[]): Output {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 60_000 });
  return { ok: status === 0, text: stdout?.trim() || stderr?.trim() || error?.message || "" };
}

/** One call of the docker command. Synchronous: the sweep at the end of a process cannot wait for anything. */
export function docker(...args: string[]): Output {
  return run("docker", args);
}

/** How compose is called here: as docker's plugin, or as a program of its own (version 1). */
export type Compose = "plugin" | "standalone";

/** Which compose there is; undefined when there is none. */
export function findCompose(): Compose | undefined {
  const version = /\d+\.\d+/;
  const plugin = docker("compose", "version", "--short");
  if (plugin.ok && version.test(plugin.text)) return "plugin";
  const standalone = run("docker-compose", ["version", "--short"]);
  return standalone.ok && version.test(standalone.text) ? "standalone" : undefined;
}

/** Why no container can run here; undefined when they can. */
export function whyNoDocker(): string | undefined {
  const info = docker("info", "--format", "{{.ServerVersion}}");
  if (!info.ok || info.text === "") return `no Docker engine answers: ${info.text}`;
  return findCompose() ? undefined : "there is no docker compose (Debian package docker-compose)";
}

/** Containers that tests start by themselves go by the owner's label, those of compose by their project. */
const COMPOSE_LABEL = "com.docker.compose.project";

/** Removes the containers, networks and images (by their tag) of one owner. */
export function remove(owner: string): void {
  const filters = [OWNER_LABEL, COMPOSE_LABEL].map((label) => `label=${label}=${owner}`);
  const ids = filters.flatMap((filter) => lines("ps", "-aq", "--filter", filter));
  if (ids.length > 0) docker("rm", "-f", "-v", ...new Set(ids));
  const images = lines("images", "-q", "--filter", `reference=*/*:${owner}`);
  if (images.length > 0) docker("image", "rm", "-f", ...images);
  const networks = lines("network", "ls", "-q", "--filter", filters[1]!);
  if (networks.length > 0) docker("network", "rm", ...networks);
}

/** Removes what runs on this machine left behind that were killed; live ones keep theirs. */
export function sweep(): void {
  const format = `{{.Label "${OWNER_LABEL}"}}\n{{.Label "${COMPOSE_LABEL}"}}`;
  const networks = lines("network", "ls", "--format", `{{.Label "${COMPOSE_LABEL}"}}`);
  const owners = new Set([...lines("ps", "-a", "--format", format), ...networks]);
  for (const owner of owners) if (!isOwnerAlive(owner)) remove(owner);
}

function lines(...args: string[]): string[] {
  const { ok, text } = docker(...args);
  return ok ? text.split("\n").filter((line) => line !== "") : [];
}
