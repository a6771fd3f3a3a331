import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { forwardLines, LastWords } from "./log-lines";

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** How Envoy is started: a program, and what stands before Envoy's own arguments. */
export interface Launch {
  file: string;
  args: readonly string[];
  /** What else it takes to end it at once. */
  kill?: () => void;
}

/** A running Envoy process whose log is forwarded and which never outlives this one. */
export class EnvoyProcess {
  readonly lastWords = new LastWords();
  /** Resolves once the process is gone and its whole log has been forwarded. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;

  readonly #launch: Launch;

  constructor(launch: Launch, args: readonly string[], writeLog: (line: string) => void) {
    this.#launch = launch;
    const setpriv = findSetpriv();
    const command = [launch.file, ...launch.args, ...args];
    // The kernel kills Envoy with us even when we are killed ourselves. A process group of its own keeps a terminal's
    // Ctrl-C from it: draining is ours to order.
    const [file, ...argv] = setpriv ? [setpriv, "--pdeathsig", "KILL", "--", ...command] : command;
    const child = spawn(file!, argv, { stdio: ["ignore", "inherit", "pipe"], detached: true });
    this.#child = child;
    const log = forwardLines(child.stderr!, (line) => {
      this.lastWords.read(line);
      writeLog(line);
    });
    const killAtExit = () => this.signal("SIGKILL");
    process.once("exit", killAtExit);
    const gone = new Promise<Exit>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", () => resolve({ code: 127, signal: null }));
    });
    this.exited = gone.then(async (exit) => {
      process.off("exit", killAtExit);
      await log;
      return exit;
    });
  }

  signal(name: NodeJS.Signals): void {
    if (name === "SIGKILL") this.#launch.kill?.();
    this.#child.kill(name);
  }
}

function findSetpriv(): string | undefined {
  if (process.platform !== "linux") return undefined;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const file = join(folder, "setpriv");
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}
