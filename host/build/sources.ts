import { readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { PACKAGE } from "./sdk-location";

/** Name of the generated entry, next to the author's; no such file exists. */
const ENTRY_NAME = "proxy-wasm-entry";

/** What the compiler reads: the project's files, the one SDK, and a generated entry. */
export interface Sources {
  /** Path of the generated entry, from the project's folder. */
  entry: string;
  /** Absolute paths of the files that were found so far, without the compiler's own library. */
  readonly files: ReadonlySet<string>;
  read(filename: string, baseDir: string): string | null;
}

/**
 * @param entry absolute path of the author's entry file
 * @param project absolute path of the folder paths count from
 * @param toolkit folder of the package that has the SDK
 */
export function sourcesFor(entry: string, project: string, toolkit: string): Sources {
  const generated = join(dirname(entry), `${ENTRY_NAME}.ts`);
  const text = `import "./${basename(entry, ".ts")}";\nexport * from "${PACKAGE}/sdk/entry";\n`;
  const files = new Set<string>();
  const installed = `${sep}node_modules${sep}${PACKAGE}${sep}`;
  return {
    entry: relative(project, generated).split(sep).join("/"),
    files,
    read(filename, baseDir) {
      const path = resolve(baseDir, filename);
      if (path === generated) return text;
      if (basename(path) === "asconfig.json") return null; // the build's options are its own
      const at = path.indexOf(installed);
      const file = at < 0 ? path : join(toolkit, path.slice(at + installed.length));
      const content = readText(file);
      if (content !== null) files.add(file);
      return content;
    },
  };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // the compiler tries several places for one import
  }
}
