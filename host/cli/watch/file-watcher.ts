import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname, resolve } from "node:path";

/** Editors write a file in several steps; the last one is this soon after the first. */
const SETTLE_MS = 25;

/**
 * Says when the content of files has changed. Folders are watched, as editors put new files in the place of old ones; a file
 * that is not there yet, or is gone, is waited for.
 */
export class FileWatcher {
  readonly #onChange: (files: string[]) => void;
  readonly #folders = new Map<string, FSWatcher>();
  #contents = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: (files: string[]) => void) {
    this.#onChange = onChange;
  }

  /** These files instead of those before. What is new counts as it is now; of the others no change gets lost. */
  watch(files: Iterable<string>): void {
    const paths = new Set([...files].map((file) => resolve(file)));
    const known = this.#contents;
    this.#contents = new Map([...paths].map((path) => [path, known.get(path) ?? contentOf(path)]));
    const folders = new Set([...paths].map((path) => dirname(path)));
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) this.#watchFolder(folder);
  }

  /** What these files hold now is no change: we have written them. */
  accept(files: Iterable<string>): void {
    for (const file of files) {
      const path = resolve(file);
      if (this.#contents.has(path)) this.#contents.set(path, contentOf(path));
    }
  }

  get files(): string[] {
    return [...this.#contents.keys()];
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, () => this.#look());
      // A folder that goes away ends its watcher; its files count as gone.
      watcher.on("error", () => watcher.close());
      this.#folders.set(folder, watcher);
    } catch {
      // Not there: nothing can change in it.
    }
  }

  #look(): void {
    // Not put off by the next event: beside them there may be a file that never rests.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const changed: string[] = [];
      for (const [path, before] of this.#contents) {
        const now = contentOf(path);
        if (now === before) continue;
        this.#contents.set(path, now);
        changed.push(path);
      }
      if (changed.length > 0) this.#onChange(changed);
    }, SETTLE_MS);
  }
}

function contentOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("base64");
  } catch {
    return "";
  }
}
