/** One log line in Envoy's default format, taken apart; a line of another form has only `message`. */
export interface LogLine {
  level: string;
  component: string;
  message: string;
}

const WAIT_MS = 10_000;

/** Collects a proxy's log and lets tests wait for lines, past or to come. */
export class LogBook {
  readonly lines: LogLine[] = [];
  readonly #waiting = new Set<() => void>();

  readonly write = (line: string): void => {
    const text = line.replace(/\n$/, "");
    const match = /^\[[^\]]*\]\[\d+\]\[(\w+)\]\[(\w+)\] \[[^\]]*\] (.*)$/s.exec(text);
    this.lines.push(
      match
        ? { level: match[1]!, component: match[2]!, message: match[3]! }
        : { level: "", component: "", message: text },
    );
    for (const wake of this.#waiting) wake();
  };

  /** Resolves with the first answer that is not undefined; asked again after every line. */
  waitFor<T>(question: (lines: readonly LogLine[]) => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        const answer = question(this.lines);
        if (answer === undefined) return;
        stop();
        resolve(answer);
      };
      const timeout = setTimeout(() => {
        stop();
        const tail = this.lines.slice(-20).map(({ component, message }) => `  [${component}] ${message}`);
        reject(
          new Error(`no log line for ${what} within ${WAIT_MS} ms; the last lines:\n${tail.join("\n")}`),
        );
      }, WAIT_MS);
      const stop = () => {
        clearTimeout(timeout);
        this.#waiting.delete(settle);
      };
      this.#waiting.add(settle);
      settle();
    });
  }
}
