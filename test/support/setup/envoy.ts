import type { TestProject } from "vitest/node";
import { type ResolvedEnvoy, resolveEnvoy } from "../../../host/envoy/index";
import { wantedEngines } from "../engines";
import "../describe-engines";

let resolved: Promise<ResolvedEnvoy | undefined> | undefined;

/** Finds Envoy before the first test. Without one its half of the tests is left out, loudly; in CI that is a failure. */
export default async function setup(project: TestProject): Promise<void> {
  if (!wantedEngines().includes("envoy")) return;
  resolved ??= find();
  const envoy = await resolved;
  if (envoy === undefined) return;
  project.provide("envoy", envoy.path);
  // The engines of all tests use the one found here.
  process.env.ENVOY_PATH = envoy.path;
}

async function find(): Promise<ResolvedEnvoy | undefined> {
  try {
    return await resolveEnvoy({ onProgress: say });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env.CI === "true") throw error;
    const bar = "!".repeat(100);
    say(`${bar}\nNO ENVOY: every test marked [envoy] is left out; nothing is compared.\n${reason}\n${bar}`);
    return undefined;
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
