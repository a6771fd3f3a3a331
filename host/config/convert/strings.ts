import type * as z from "zod";
import type { StringMatch } from "../model";
import type { stringMatcher } from "../schema/common";

/** The one form that a `StringMatcher` is given in. */
export function stringForm(raw: z.output<typeof stringMatcher>): StringMatch {
  const ignoreCase = raw.ignore_case ?? false;
  for (const kind of ["exact", "prefix", "suffix", "contains"] as const) {
    const value = raw[kind];
    if (value !== undefined) return { kind, value, ignoreCase };
  }
  return { kind: "regex", value: raw.safe_regex?.regex ?? "", ignoreCase };
}
