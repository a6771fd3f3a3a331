import type { HeaderMatcherConfig } from "../model";
import type { Json, Problem } from "./translation";

/** Names that a VirtualService's `headers` ignores, as it has fields for them. */
const IGNORED = new Set(["uri", "scheme", "method", "authority"]);

interface Conditions {
  headers: Json;
  withoutHeaders: Json;
}

/** A regular expression that stands for one text. */
function literal(text: string, ignoreCase: boolean): string {
  const escaped = text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return ignoreCase ? `(?i:${escaped})` : escaped;
}

const ANY = "(?s:.*)";

/** The regular expressions of what a VirtualService has no form for, or none without case. */
const AS_REGEX = {
  exact: (text: string) => text,
  prefix: (text: string) => text + ANY,
  suffix: (text: string) => ANY + text,
  contains: (text: string) => ANY + text + ANY,
} as const;

function stringMatch({ kind, value, ignoreCase }: HeaderMatcherConfig): Json | undefined {
  if (kind === "present") return {};
  if (kind === "range") return undefined;
  if (kind === "regex") return { regex: value };
  const exact = kind === "exact" || kind === "prefix";
  if (exact && !ignoreCase) return { [kind]: value };
  return { regex: AS_REGEX[kind](literal(value, ignoreCase)) };
}

/** A route's header matchers as `headers` and `withoutHeaders` of a VirtualService's match. */
export function headerConditions(matchers: readonly HeaderMatcherConfig[]): {
  conditions: Conditions;
  problems: Problem[];
} {
  const conditions: Conditions = { headers: {}, withoutHeaders: {} };
  const problems: Problem[] = [];
  const taken = new Set<string>();
  for (const [i, matcher] of matchers.entries()) {
    const fail = (message: string) => problems.push({ path: ["headers", i], message });
    const wanted = stringMatch(matcher);
    if (taken.has(matcher.name)) fail("fault takes one condition for each header");
    else if (IGNORED.has(matcher.name)) fail(`fault ignores headers named ${matcher.name}`);
    else if (!wanted) fail("fault has no ranges");
    else add(conditions, matcher, wanted);
    taken.add(matcher.name);
  }
  return { conditions, problems };
}

function add({ headers, withoutHeaders }: Conditions, matcher: HeaderMatcherConfig, wanted: Json): void {
  const { name, kind, invert, treatMissingAsEmpty } = matcher;
  if (kind === "present") {
    (matcher.present !== invert ? headers : withoutHeaders)[name] = {};
  } else if (!invert) headers[name] = wanted;
  else {
    withoutHeaders[name] = wanted;
    // An absent header is no match to Envoy, inverted or not.
    if (!treatMissingAsEmpty) headers[name] = {};
  }
}
