import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this package, from `dist/` as from the sources. */
export function packageRoot(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    if (existsSync(join(dir, "templates/filter"))) return dir;
    if (dir === dirname(dir)) throw new Error("the package has no templates; reinstall it");
  }
}
