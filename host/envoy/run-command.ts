import { spawn } from "node:child_process";

export interface CommandResult {
  code: number | null;
  /** stdout and stderr together, in the order they came. */
  output: string;
}

/** Runs a program to its end without a shell; a program that cannot be started rejects with Node's error. */
export function runCommand(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env });
    let output = "";
    const collect = (chunk: Buffer) => {
      // Only the end of a long output is ever shown; keep memory bounded.
      output = (output + chunk.toString("utf8")).slice(-64 * 1024);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
