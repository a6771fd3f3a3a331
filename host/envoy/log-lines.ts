import type { Readable } from "node:stream";

/** Cuts a byte stream into lines of Latin-1 text, newline included; a last line without one gets it. */
export function forwardLines(stream: Readable, write: (line: string) => void): Promise<void> {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop()!;
    for (const line of lines) write(`${line}\n`);
  });
  return new Promise((resolve) => {
    const end = () => {
      if (rest !== "") write(`${rest}\n`);
      rest = "";
      resolve();
    };
    stream.once("end", end);
    stream.once("error", end);
  });
}

/** Remembers from Envoy's log what explains its end. */
export class LastWords {
  #critical = "";
  #error = "";
  #signalled = false;

  read(line: string): void {
    const match = /^\[[^\]]*\]\[\d+\]\[(\w+)\]\[(\w+)\] \[[^\]]*\] (.*)/.exec(line);
    if (!match) return;
    const [, level, , message] = match;
    if (level === "critical") this.#critical ||= message!;
    if (level === "error") this.#error = message!;
    if (message!.startsWith("caught ENVOY_SIG")) this.#signalled = true;
  }

  /** A signal from outside ended it, not its admin interface. */
  get signalled(): boolean {
    return this.#signalled;
  }

  /** What ended it, in one line: the first critical message, or the last error, or nothing. */
  get message(): string {
    const text = this.#critical || this.#error;
    // A failed start prints the cause in backquotes, then the whole configuration.
    return /^error `(.*)` initializing config/.exec(text)?.[1] ?? text;
  }
}
