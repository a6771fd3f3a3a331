import type * as z from "zod";
import type { ConfigIssue } from "../errors";
import { type FieldPath, formatPath } from "./path";
import { bootstrap } from "./schema/bootstrap";
import { describe } from "./schema/scalars";
import { suggest } from "./suggest";
import { locate, type Source } from "./yaml";

/** Issues of one validation, split by whether `--lenient` may let them pass. */
export interface Findings {
  errors: ConfigIssue[];
  unsupported: { issue: ConfigIssue; path: FieldPath }[];
}

function isPath(path: readonly PropertyKey[]): path is (string | number)[] {
  return path.every((part) => typeof part !== "symbol");
}

/** Puts zod's issues into the form of every configuration error, in file order. */
export function readIssues(
  error: z.ZodError | undefined,
  source: Source,
  plain: unknown,
  schema: z.ZodType = bootstrap,
  unknown = "not supported by the node engine",
): Findings {
  const findings: Findings = { errors: [], unsupported: [] };
  const at = (path: FieldPath, want: "key" | "value", message: string): ConfigIssue => ({
    position: locate(source, path, want),
    path: formatPath(path),
    message,
  });
  for (const issue of error?.issues ?? []) {
    const path = isPath(issue.path) ? issue.path : [];
    if (issue.code !== "unrecognized_keys") {
      findings.errors.push(at(path, "value", wording(issue, valueAt(plain, path))));
      continue;
    }
    for (const key of issue.keys) {
      const field = [...path, key];
      const hint = suggest(schema, plain, path, key);
      const issue = at(field, "key", unknown + hint);
      findings.unsupported.push({ issue, path: field });
    }
  }
  return findings;
}

/** What zod's types are called in a file. */
const TYPE_NAMES: Partial<Record<string, string>> = {
  string: "a string",
  object: "a map",
  record: "a map",
  array: "a list",
};

function wording(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code !== "invalid_type") return issue.message;
  if (value === undefined) return "is required";
  return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}, got ${describe(value)}`;
}

/** What stands at `path`; undefined when nothing does. */
function valueAt(plain: unknown, path: FieldPath): unknown {
  let value = plain;
  for (const part of path) value = (value as Record<string | number, unknown> | null | undefined)?.[part];
  return value;
}

export function byPosition(a: ConfigIssue, b: ConfigIssue): number {
  return a.position.line - b.position.line || a.position.column - b.position.column;
}
