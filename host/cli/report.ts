import { BuildError, ConfigError, formatIssue, ProxyWasmError, UsageError } from "../errors";
import { complain } from "./terminal";

/** `file:line:column: ...` lines stand bare: editors and scripts read them. */
function compilerLines(error: unknown): string | undefined {
  return error instanceof BuildError && /^.+:\d+:\d+: /.test(error.message) ? error.message : undefined;
}

/** What went wrong as one JSON object, for commands that were asked for JSON; a bug of ours has no code. */
export function errorJson(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ProxyWasmError ? { code: error.code } : {};
  const places = error instanceof ConfigError ? { issues: error.issues } : {};
  return `${JSON.stringify({ error: { ...code, message, ...places } })}\n`;
}

/** Says on stderr what went wrong, a line each; answers the exit code. */
export function report(error: unknown): number {
  const places =
    error instanceof ConfigError ? error.issues.map(formatIssue).join("\n") : compilerLines(error);
  if (places !== undefined) {
    process.stderr.write(`${places}\n`);
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
