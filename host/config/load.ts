import { accessSync, constants, readFileSync } from "node:fs";
import { ConfigError, type ConfigIssue } from "../errors";
import { checkBootstrap } from "./checks";
import { convertBootstrap } from "./convert/bootstrap";
import { byPosition, readIssues } from "./issues";
import type { Bootstrap, WasmPluginConfig } from "./model";
import { normalizeNames } from "./names";
import { type FieldPath, formatPath } from "./path";
import { bootstrap as schema } from "./schema/bootstrap";
import { override } from "./set";
import { locate, readSource, type Source, toPlain } from "./yaml";

export interface LoadOptions {
  /** `key=value` overrides of single fields. */
  set?: readonly string[];
  /** Fields the node engine does not support become warnings. */
  lenient?: boolean;
}

export interface Loaded {
  bootstrap: Bootstrap;
  warnings: ConfigIssue[];
}

/**
 * Reads, validates and converts a bootstrap given as text. Modules named in it are not looked for.
 * Throws {@link ConfigError} with everything wrong at once, UsageError for a bad override.
 */
export function parseBootstrap(text: string, file: string, options: LoadOptions = {}): Loaded {
  const source = readSource(text, file);
  override(source, options.set ?? []);
  const issues: ConfigIssue[] = [];
  const report = (path: FieldPath, message: string) =>
    issues.push({ position: locate(source, path, "key"), path: formatPath(path), message });
  const read = toPlain(source);
  if (read === null) report([], "the file is empty");
  const plain = normalizeNames(read, (path) => report(path, "this field is given twice, in both spellings"));
  if (issues.length > 0) throw new ConfigError(issues.sort(byPosition));
  return validate(plain as Record<string, unknown>, source, options.lenient ?? false);
}

function validate(plain: Record<string, unknown>, source: Source, lenient: boolean): Loaded {
  const warnings: ConfigIssue[] = [];
  // Leaving unsupported fields out can bring others of the same message to light: as often as fields are left.
  for (;;) {
    const result = schema.safeParse(plain);
    if (result.success) {
      const issues = checkBootstrap(result.data, source);
      if (issues.length > 0) throw new ConfigError([...issues].sort(byPosition));
      return { bootstrap: convertBootstrap(result.data, plain, source), warnings: warnings.sort(byPosition) };
    }
    const { errors, unsupported } = readIssues(result.error, source, schema, plain);
    const all = [...errors, ...unsupported.map(({ issue }) => issue)].sort(byPosition);
    if (!lenient || errors.length > 0 || unsupported.length === 0) throw new ConfigError(all);
    for (const { issue, path } of unsupported) {
      warnings.push(issue);
      drop(plain, path);
    }
  }
}

/** Takes one field out of a plain tree. */
function drop(plain: Record<string, unknown>, path: FieldPath): void {
  let at: unknown = plain;
  for (const part of path.slice(0, -1)) at = (at as Record<string | number, unknown>)[part];
  delete (at as Record<string | number, unknown>)[path.at(-1)!];
}

/** Reads a bootstrap file and checks that the modules it names are there. Paths count from the working directory. */
export function loadBootstrap(path: string, options: LoadOptions = {}): Loaded {
  const loaded = parseBootstrap(readText(path), path, options);
  const issues = loaded.bootstrap.listeners
    .flatMap(({ http }) => http.httpFilters)
    .flatMap((filter) => (filter.kind === "wasm" ? missingModule(filter.plugin) : []));
  if (issues.length > 0) throw new ConfigError(issues.sort(byPosition));
  return loaded;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const position = { file: path, line: 1, column: 1 };
    throw new ConfigError([{ position, path: "", message: `cannot be read: ${(error as Error).message}` }]);
  }
}

function missingModule({ code, codePosition, codePath }: WasmPluginConfig): ConfigIssue[] {
  if (code.kind !== "file") return [];
  try {
    accessSync(code.path, constants.R_OK);
    return [];
  } catch {
    const message = `cannot read the module "${code.path}" (paths count from the working directory)`;
    return [{ position: codePosition, path: codePath, message }];
  }
}
