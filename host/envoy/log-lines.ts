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

/** All that Envoy's own words say of a plugin that did not start. */
const PLUGIN_FAILURE = /^Plugin .*failed to load$/;

/** Remembers from Envoy's log what explains its end. */
export class LastWords {
  #critical = "";
  #error = "";
  /** What a plugin said last, and what Envoy said of it first. */
  #guest = "";
  #failure = "";
  #signalled = false;

  read(line: string): void {
    const match = /^\[[^\]]*\]\[\d+\]\[(\w+)\]\[(\w+)\] \[[^\]]*\] (.*)/.exec(line);
    if (!match) {
      // The docker command, which could not start the container.
      const launcher = /^docker: (.*)/.exec(line)?.[1];
      if (launcher) this.#critical ||= launcher;
      return;
    }
    const [, level, component, message] = match;
    if (component === "wasm" && level === "error") {
      const failure = /^Wasm VM failed (.*)/.exec(message!);
      if (failure) this.#failure ||= failure[1]!;
      else this.#guest = message!;
    }
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
    const message = /^error `(.*)` initializing config/.exec(text)?.[1] ?? text;
    if (!PLUGIN_FAILURE.test(message)) return message;
    return [message, this.#failure, this.#guest].filter((part) => part !== "").join(": ");
  }
}
