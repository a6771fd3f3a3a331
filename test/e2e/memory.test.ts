import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { exampleYaml } from "../support/example";
import { folder } from "./support/folder";
import { proxyWasm, ready, root } from "./support/program";

const LIMIT = 128 * 1024;

/** Resident memory of a process, KiB. */
function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

it.runIf(process.platform === "linux")(
  "the demo's three filters in less than 128 MiB, ten seconds after ready",
  { timeout: 60_000 },
  async () => {
    const yaml = exampleYaml("sidecar", {}).replaceAll("build/filters", join(root, "build/filters"));
    const program = proxyWasm(["run", "envoy.yaml"], { cwd: folder({ "envoy.yaml": yaml }) });
    const { listener } = await ready(program);
    for (const path of ["/private", "/flaky"]) await fetch(`http://127.0.0.1:${listener}${path}`);
    // A proxy at rest: what starting left behind has had the time to go.
    await sleep(10_000);
    const kib = resident(program.pid);
    console.log(`resident: ${Math.round(kib / 1024)} MiB`);
    expect(kib).toBeLessThan(LIMIT);
  },
);
