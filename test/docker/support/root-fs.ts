import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

/** Files of this machine for a root filesystem: where each goes, and where it is now. */
export type Files = Readonly<Record<string, string>>;

/** The shared libraries that programs of this machine load, the loader included, at the paths where it looks for them. */
export function librariesOf(programs: readonly string[]): Files {
  const libraries: Record<string, string> = {};
  for (const program of programs) {
    const text = execFileSync("ldd", [program], { encoding: "utf8" });
    // `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)`, and the loader by its bare path
    for (const [, path] of text.matchAll(/(?:^|=>)\s*(\/\S+) \(0x/gm)) libraries[path!] = path!;
  }
  return libraries;
}

/** Copies files to where they belong under `root`; a link becomes what it links to. */
export function layOut(root: string, files: Files): void {
  for (const [to, from] of Object.entries(files)) {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(from, join(root, to));
  }
  // Programs expect these to be there.
  for (const folder of ["tmp", "proc", "run", "var/log"]) mkdirSync(join(root, folder), { recursive: true });
}
