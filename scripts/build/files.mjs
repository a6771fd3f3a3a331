import { createHash, randomUUID } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Writes through a rename, so that nobody ever reads half a file; leaves an equal file alone. */
export function writeIfChanged(/** @type {string} */ file, /** @type {Uint8Array | string} */ content) {
  const bytes = Buffer.from(content);
  if (existsSync(file) && readFileSync(file).equals(bytes)) return false;
  mkdirSync(dirname(file), { recursive: true });
  const staged = `${file}.${randomUUID()}`;
  writeFileSync(staged, bytes);
  renameSync(staged, file);
  return true;
}

/** One hash over names and contents of all files that match the patterns (relative to the project). */
export function hashFiles(/** @type {readonly string[]} */ patterns) {
  const hash = createHash("sha256");
  for (const file of patterns.flatMap((p) => globSync(p, { cwd: root })).sort())
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** Hashes of the last builds, one small file an output: `build/.stamps/<name>`. */
export const stamps = {
  /** @param {string} name */
  file: (name) => join(root, "build/.stamps", name),
  /** @param {string} name */
  read(name) {
    return existsSync(this.file(name)) ? readFileSync(this.file(name), "utf8") : undefined;
  },
  /** @param {string} name @param {string} hash */
  write(name, hash) {
    writeIfChanged(this.file(name), hash);
  },
};
