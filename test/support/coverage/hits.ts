import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Whether this run counts AssemblyScript statements: `npm run coverage`. */
export const isCounting = process.env.COVERAGE === "1";

const FOLDER = fileURLToPath(new URL("../../../build/coverage-hits", import.meta.url));
const MESSAGE = /@cov ([0-9a-f]{16})/;

/** What was run in this process: file and statement as modules name them. */
const hits = new Set<string>();

/** Takes a module's message; false when the text is something else. */
export function takeHit(text: string): boolean {
  const found = MESSAGE.exec(text)?.[1];
  if (found !== undefined) hits.add(found);
  return found !== undefined;
}

/** A writer of log lines without the messages of coverage: what tests see is what they see without it. */
export function withoutHits(write: (line: string) => void): (line: string) => void {
  if (!isCounting) return write;
  return (line) => {
    if (!takeHit(line)) write(line);
  };
}

/** Leaves what this process has seen for the report. */
export function saveHits(): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${randomUUID()}.txt`), [...hits].join("\n"));
}

/** By file number: the statements that ran in any process, and in how many of the runs of a test file. */
export function savedHits(): Map<number, Map<number, number>> {
  const all = new Map<number, Map<number, number>>();
  for (const name of readdirSync(FOLDER)) {
    for (const hit of readFileSync(join(FOLDER, name), "utf8").split("\n")) {
      if (hit === "") continue;
      const [file, index] = [hit.slice(0, 8), hit.slice(8)].map((hex) => Number.parseInt(hex, 16));
      const statements = all.get(file!) ?? new Map<number, number>();
      statements.set(index!, (statements.get(index!) ?? 0) + 1);
      all.set(file!, statements);
    }
  }
  return all;
}

export function clearHits(): void {
  rmSync(FOLDER, { recursive: true, force: true });
}
