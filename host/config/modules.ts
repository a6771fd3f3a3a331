import { accessSync, constants } from "node:fs";
import type { ConfigIssue } from "../errors";
import { type FieldPath, formatPath } from "./path";
import { locate, type Source } from "./yaml";

/** Everywhere a file names a module: `vm_config.code.local.filename`, also inside parts that are wrong otherwise. */
function moduleFiles(value: unknown, path: FieldPath, found: { file: string; path: FieldPath }[]): void {
  if (typeof value !== "object" || value === null) return;
  if (path.at(-1) === "local" && path.at(-2) === "code" && path.at(-3) === "vm_config") {
    const { filename } = value as { filename?: unknown };
    if (typeof filename === "string" && filename !== "")
      found.push({ file: filename, path: [...path, "filename"] });
    return;
  }
  for (const [key, item] of Array.isArray(value) ? value.entries() : Object.entries(value))
    moduleFiles(item, [...path, key], found);
}

/** Modules a file names that cannot be read. Paths count from the working directory, as Envoy reads them. */
export function missingModules(plain: unknown, source: Source): ConfigIssue[] {
  const files: { file: string; path: FieldPath }[] = [];
  moduleFiles(plain, [], files);
  return files.flatMap(({ file, path }) => {
    try {
      accessSync(file, constants.R_OK);
      return [];
    } catch {
      const message = `cannot read the module "${file}" (paths count from the working directory)`;
      return [{ position: locate(source, path, "value"), path: formatPath(path), message }];
    }
  });
}
