/** True when colours help: a terminal, and the user has not asked for none (https://no-color.org). */
export function hasColours(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

const paint = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;

/** Commander strips these where the stream has no colours. */
export const bold = paint(1);
const red = paint(31);

/** A line of the CLI itself on stderr, in UTF-8. */
export function complain(text: string, label = "error"): void {
  const head = hasColours(process.stderr) ? red(`${label}:`) : `${label}:`;
  process.stderr.write(`${head} ${text}\n`);
}

/** A proxy's log line on stderr: Latin-1 text, so that guest bytes leave as they came. */
export function writeLogLine(line: string): void {
  process.stderr.write(line, "latin1");
}
