import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Nanoseconds that all threads of a process have run so far, as the kernel says (Linux). */
export function cpuOf(pid: string | number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]);
    } catch {
      // it has just ended
    }
  }
  return sum;
}

/** The process of Envoy that was started with that file. */
export function envoyPid(configPath: string): string {
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const [command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
      if (command.endsWith("envoy") && args.includes(configPath)) return pid;
    } catch {
      // it has just ended
    }
  }
  throw new Error("Envoy is not to be found; this bench needs Linux");
}

/** Keeps a process, threads to come included, on one processor. False: the machine has no `taskset`. */
export function pin(pid: string | number, processor: number): boolean {
  return spawnSync("taskset", ["-acp", String(processor), String(pid)]).status === 0;
}
