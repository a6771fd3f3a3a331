import type { EventEmitter } from "node:events";
import type { RunningEngine } from "../engine";
import { complain } from "./terminal";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * A Ctrl-C under npm arrives twice: from the terminal, which signals the whole group, and from npm, which
 * passes it on. A person does not press it again this soon.
 */
const ECHO_MS = 50;

/**
 * Starts a proxy and stays with it until it has ended. The first signal drains it, a second one ends it at once.
 * Answers the exit code: 0 after a signal, else the proxy's own.
 */
export async function supervise(
  start: () => Promise<RunningEngine>,
  onReady: (running: RunningEngine) => void,
  signals: EventEmitter = process,
): Promise<number> {
  let running: RunningEngine | undefined;
  let asked = 0;
  let lastInterrupt = Number.NEGATIVE_INFINITY;
  let giveUp = () => {};
  const givenUp = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });

  const carryOut = () => {
    if (running) void (asked === 1 ? running.stop() : running.kill());
    // Still starting: it is stopped once it is up, but whoever insists is not kept waiting.
    else if (asked > 1) giveUp();
  };
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now();
    const echo = signal === "SIGINT" && process.env.npm_lifecycle_event && now - lastInterrupt < ECHO_MS;
    if (signal === "SIGINT") lastInterrupt = now;
    if (echo) return;
    asked++;
    carryOut();
  };

  const onReopen = () => running?.reopenLogs?.();

  for (const signal of SIGNALS) signals.on(signal, onSignal);
  // As Envoy: what rotates logs says that it has moved them.
  signals.on("SIGUSR1", onReopen);
  try {
    running = await Promise.race([start(), givenUp]);
    if (!running) return 0;
    if (asked > 0) carryOut();
    else onReady(running);
    const { code, reason } = await running.ended;
    if (asked > 0) return 0;
    if (code !== 0) complain(reason);
    return code;
  } catch (error) {
    // A start cut short by a signal fails in its own ways; the user asked for the end.
    if (asked > 0) return 0;
    throw error;
  } finally {
    for (const signal of SIGNALS) signals.off(signal, onSignal);
    signals.off("SIGUSR1", onReopen);
  }
}
