import type * as z from "zod";
import type { ConfigIssue } from "../errors";
import { type FieldPath, formatPath } from "./path";
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
export function readIssues(error: z.ZodError, source: Source): Findings {
  const findings: Findings = { errors: [], unsupported: [] };
  const at = (path: FieldPath, want: "key" | "value", message: string): ConfigIssue => ({
    position: locate(source, path, want),
    path: formatPath(path),
    message,
  });
  for (const issue of error.issues) {
    const path = isPath(issue.path) ? issue.path : [];
    if (issue.code !== "unrecognized_keys") {
      findings.errors.push(at(path, "value", wording(issue)));
      continue;
    }
    for (const key of issue.keys) {
      const field = [...path, key];
      findings.unsupported.push({ issue: at(field, "key", "not supported by the node engine"), path: field });
    }
  }
  findings.errors.sort(byPosition);
  return findings;
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_type") return issue.message;
  if (issue.input === undefined && issue.message.includes("received undefined")) return "is required";
  return issue.message.replace("Invalid input: ", "");
}

export function byPosition(a: ConfigIssue, b: ConfigIssue): number {
  return a.position.line - b.position.line || a.position.column - b.position.column;
}
