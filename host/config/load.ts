import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { ConfigError, type ConfigIssue } from "../errors";
import { checkBootstrap } from "./checks";
import { convertBootstrap } from "./convert/bootstrap";
import { byPosition, readIssues } from "./issues";
import type { Bootstrap } from "./model";
import { missingModules } from "./modules";
import { normalizeNames } from "./names";
import { type FieldPath, formatPath } from "./path";
import { goodParts, bootstrap as schema } from "./schema/bootstrap";
import { override } from "./set";
import { Substituter, type Substitution } from "./substitute/index";
import { locate, readSource, type Source, toPlain } from "./yaml";

export interface LoadOptions {
  /** `key=value` overrides of single fields. */
  set?: readonly string[];
  /** Fields the node engine does not support become warnings. */
  lenient?: boolean;
  /** Folder of this project's modules: they take the place of Envoy's own filters that do the same. */
  substitute?: string;
}

export interface Loaded {
  bootstrap: Bootstrap;
  warnings: ConfigIssue[];
  /** In the order of the file. */
  substitutions: Substitution[];
}

/**
 * Reads, validates and converts a bootstrap given as text. Modules named in it are not looked for.
 * Throws {@link ConfigError} with everything wrong at once, UsageError for a bad override.
 */
export function parseBootstrap(text: string, file: string, options: LoadOptions = {}): Loaded {
  return read(text, file, options, false);
}

function read(text: string, file: string, options: LoadOptions, modules: boolean): Loaded {
  const source = readSource(text, file);
  override(source, options.set ?? []);
  const issues: ConfigIssue[] = [];
  const report = (path: FieldPath, message: string) =>
    issues.push({ position: locate(source, path, "key"), path: formatPath(path), message });
  const tree = toPlain(source);
  if (tree === null) report([], "the file is empty");
  const plain = normalizeNames(tree, (path) => report(path, "this field is given twice, in both spellings"));
  if (issues.length > 0) throw new ConfigError(issues.sort(byPosition));
  const substituter =
    options.substitute === undefined ? undefined : new Substituter(source, tree, options.substitute);
  substituter?.run(plain);
  const loaded = validate(plain as Record<string, unknown>, source, {
    lenient: options.lenient ?? false,
    modules,
    before: substituter?.issues ?? [],
  });
  return { ...loaded, substitutions: substituter?.done ?? [] };
}

interface Validation {
  lenient: boolean;
  /** The files of modules must be there. */
  modules: boolean;
  /** What is known to be wrong already. */
  before: readonly ConfigIssue[];
}

function validate(
  plain: Record<string, unknown>,
  source: Source,
  { lenient, modules, before }: Validation,
): Omit<Loaded, "substitutions"> {
  const unsupported: ConfigIssue[] = [];
  // Leaving unsupported fields out can bring others of the same message to light: as often as fields are left.
  let result = schema.safeParse(plain);
  let found = readIssues(result.error, source, plain);
  while (found.unsupported.length > 0) {
    for (const { issue, path } of found.unsupported) {
      unsupported.push(issue);
      drop(plain, path);
    }
    result = schema.safeParse(plain);
    found = readIssues(result.error, source, plain);
  }
  const issues = [
    ...before,
    ...found.errors,
    ...checkBootstrap(result.data ?? goodParts(plain), source),
    ...(modules ? missingModules(plain, source) : []),
  ];
  const tolerable = unsupported.length === 0 || lenient;
  if (!result.success || issues.length > 0 || !tolerable)
    throw new ConfigError([...issues, ...unsupported].sort(byPosition));
  return { bootstrap: convertBootstrap(result.data, plain, source), warnings: unsupported.sort(byPosition) };
}

/** Takes one field out of a plain tree. */
function drop(plain: Record<string, unknown>, path: FieldPath): void {
  let at: unknown = plain;
  for (const part of path.slice(0, -1)) at = (at as Record<string | number, unknown>)[part];
  delete (at as Record<string | number, unknown>)[path.at(-1)!];
}

/** Reads a bootstrap file and checks that the modules it names are there. Paths count from the working directory. */
export function loadBootstrap(path: string, options: LoadOptions = {}): Loaded {
  return read(readText(path), path, options, true);
}

function readText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const position = { file: path, line: 1, column: 1 };
    throw new ConfigError([{ position, path: "", message: `cannot be read: ${(error as Error).message}` }]);
  }
  const text = bytes.toString("utf8");
  if (isUtf8(bytes)) return text;
  // Envoy refuses some such files and puts blanks into others.
  const before = text.slice(0, text.indexOf("\ufffd")).split("\n");
  const position = { file: path, line: before.length, column: before.at(-1)!.length + 1 };
  throw new ConfigError([{ position, path: "", message: "this is not UTF-8 text" }]);
}
