import type { TestProject } from "vitest/node";
import { containerOwner } from "../../../host/envoy/container";
import { findCompose, remove, sweep, whyNoDocker } from "../../docker/support/docker-cli";
import type { DockerForTests } from "../../docker/support/provided";

/**
 * How testcontainers works here. Its reaper is an image that cannot be had everywhere: the sweep does that work. Ports are
 * published on loopback, also where this machine is a container itself and has the engine inside.
 */
const SETTINGS = { TESTCONTAINERS_RYUK_DISABLED: "true", TESTCONTAINERS_HOST_OVERRIDE: "127.0.0.1" };
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Finds Docker, sweeps what killed runs left, and builds the images. Without Docker these tests are left out, loudly; in CI,
 * and when they were asked for by `npm run test:docker`, that is a failure.
 */
export default async function setup(project: TestProject): Promise<(() => void) | undefined> {
  const reason = whyNoDocker();
  if (reason !== undefined) {
    leaveOut(reason);
    return undefined;
  }
  // Workers inherit them.
  for (const [name, value] of Object.entries(SETTINGS)) process.env[name] ??= value;
  sweep();
  const owner = containerOwner(process.pid);
  const callOff = tidyUpAtTheEnd(() => remove(owner));
  const { localImages } = await import("../../docker/support/images");
  const docker: DockerForTests = { compose: findCompose()!, owner, images: await localImages(say) };
  project.provide("docker", docker);
  return () => {
    callOff();
    remove(owner);
  };
}

/** Before this process ends early, by Ctrl-C or another signal that can be heard; answers how to call it off. */
function tidyUpAtTheEnd(tidyUp: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    callOff();
    tidyUp();
    process.kill(process.pid, signal);
  };
  const callOff = () => {
    process.off("exit", tidyUp);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  process.once("exit", tidyUp);
  for (const signal of SIGNALS) process.once(signal, onSignal);
  return callOff;
}

function leaveOut(reason: string): void {
  const wanted = process.env.CI === "true" || process.env.npm_lifecycle_event === "test:docker";
  if (wanted) throw new Error(`the tests in containers cannot run: ${reason}`);
  const bar = "!".repeat(100);
  say(`${bar}\nNO DOCKER: the tests in containers are left out.\n${reason}\n${bar}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
