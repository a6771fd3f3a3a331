import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
export const cli = fileURLToPath(new URL("../../../dist/cli.js", import.meta.url));

const WAIT_MS = 20_000;

export interface ProgramOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** A process group of its own, as a terminal gives: signals go to all of it. */
  group?: boolean;
}

/** A program under test: its output as it came, waits on it, and its end. Ended with the test, whatever happens. */
export class Program {
  stdout = "";
  /** Latin-1 text, one character a byte. */
  stderr = "";
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #group: boolean;
  readonly #wakes = new Set<() => void>();
  #ended = false;

  constructor(command: string, args: readonly string[], { cwd = root, env, group = false }: ProgramOptions) {
    this.#group = group;
    this.#child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: group,
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    this.#child.stderr!.setEncoding("latin1").on("data", (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    this.exit = once(this.#child, "close").then(([code, signal]) => {
      this.#ended = true;
      this.#wake();
      return { code, signal };
    });
    onTestFinished(async () => {
      if (!this.#ended) this.signal("SIGKILL");
      await this.exit;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#group) process.kill(-this.pid, signal);
    else this.#child.kill(signal);
  }

  /** Waits for text on stderr, or on stdout; `from` leaves out what was there before. */
  async saw(pattern: RegExp, stream: "stderr" | "stdout" = "stderr", from = 0): Promise<RegExpExecArray> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const found = pattern.exec(this[stream].slice(from));
      if (found) return found;
      if (this.#ended || Date.now() > deadline)
        throw new Error(
          `no ${pattern} on ${stream}\n--- stdout\n${this.stdout}\n--- stderr\n${this.stderr.slice(-3000)}`,
        );
      await this.#change(deadline - Date.now());
    }
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const wakes = this.#wakes;
      function done() {
        clearTimeout(timer);
        wakes.delete(done);
        resolve();
      }
      wakes.add(done);
    });
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }
}

/** The CLI as a user runs it. */
export function proxyWasm(args: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(process.execPath, [cli, ...args], options);
}

/** Where the CLI's "ready" line says the proxy listens. */
export interface Places {
  ms: number;
  listener: number;
  admin: number;
}

export async function ready(program: Program): Promise<Places> {
  const [, ms, listener, admin] = await program.saw(
    /engine ready in (\d+) ms: [^\n]*?127\.0\.0\.1:(\d+)[^\n]*admin 127\.0\.0\.1:(\d+)/,
  );
  return { ms: Number(ms), listener: Number(listener), admin: Number(admin) };
}
