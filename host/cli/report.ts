import { ConfigError, formatIssue, ProxyWasmError, UsageError } from "../errors";
import { complain } from "./terminal";

/** Says on stderr what went wrong, a line each; answers the exit code. */
export function report(error: unknown): number {
  if (error instanceof ConfigError) {
    // Bare `file:line:column: ...` lines: editors and scripts read them.
    for (const issue of error.issues) process.stderr.write(`${formatIssue(issue)}\n`);
    return 1;
  }
  if (error instanceof ProxyWasmError) {
    complain(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  complain(
    `${text}\nThis is a bug in proxy-wasm-toolkit: please report it with the lines above.`,
    "internal error",
  );
  return 1;
}
