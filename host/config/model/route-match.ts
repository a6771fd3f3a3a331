import type { Fraction } from "./common";

export interface RouteMatch {
  /** `connect`: a CONNECT, which has no path, and nothing else. */
  path: { kind: "prefix" | "path" | "regex" | "separated prefix" | "connect"; value: string };
  /** Undefined: every request. */
  fraction: Fraction | undefined;
  caseSensitive: boolean;
  headers: HeaderMatcherConfig[];
  queryParameters: QueryMatcherConfig[];
}

/** `kind: "present"` uses `present`; `range` uses start and end (end exclusive); the rest use `value`. */
export interface HeaderMatcherConfig {
  name: string;
  kind: "exact" | "prefix" | "suffix" | "contains" | "regex" | "present" | "range";
  value: string;
  present: boolean;
  range: { start: number; end: number };
  ignoreCase: boolean;
  invert: boolean;
  treatMissingAsEmpty: boolean;
}

export interface QueryMatcherConfig {
  name: string;
  kind: "exact" | "prefix" | "suffix" | "contains" | "regex" | "present";
  value: string;
  ignoreCase: boolean;
  present: boolean;
}
