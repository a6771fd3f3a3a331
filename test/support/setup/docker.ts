import type { TestProject } from "vitest/node";
import { findCompose, ownerOf, remove, sweep, whyNoDocker } from "../../docker/support/docker-cli";
import type { DockerForTests } from "../../docker/support/provided";

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
  // The reaper of testcontainers is an image that cannot be had everywhere; the sweep does its work.
  process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
  sweep();
  const owner = ownerOf(process.pid);
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
