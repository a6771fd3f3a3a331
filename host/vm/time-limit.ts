import { Script } from "node:vm";

/** What the script below calls; set around each run. */
const SLOT = Symbol.for("proxy-wasm-toolkit:limited-call");
const slots = globalThis as unknown as Record<symbol, (() => unknown) | undefined>;
const script = new Script('globalThis[Symbol.for("proxy-wasm-toolkit:limited-call")]()');

/** Runs a function for at most `ms` milliseconds; a longer run is ended by Node's watchdog, wherever it is, and throws. */
export function withTimeLimit<T>(ms: number, run: () => T): T {
  const before = slots[SLOT];
  slots[SLOT] = run;
  try {
    return script.runInThisContext({ timeout: ms }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw new Error(`ran for longer than ${ms} ms (--max-callback-ms)`, { cause: error });
  } finally {
    slots[SLOT] = before;
  }
}
