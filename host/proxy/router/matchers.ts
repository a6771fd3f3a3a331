import { RE2JS } from "re2js";
import type { Fraction, HeaderMatcherConfig, QueryMatcherConfig, RouteMatch } from "../../config/model";
import type { HeaderMap } from "../../stores/header-map";

/** True when a request fits; `path` is without query, `query` without its `?`, `random` the stream's own number. */
export type RouteMatcher = (
  headers: HeaderMap,
  path: string,
  query: string | undefined,
  random: number,
) => boolean;

/** One `StringMatcher`. */
export type TextTest = (text: string) => boolean;

/** User patterns never reach V8's backtracking engine: RE2 is linear in the text. */
function fullMatch(pattern: string): TextTest {
  const compiled = RE2JS.compile(pattern, RE2JS.DISABLE_UNICODE_GROUPS);
  return (text) => compiled.matches(text);
}

export function textTest(kind: string, value: string, ignoreCase: boolean): TextTest {
  const wanted = ignoreCase ? value.toLowerCase() : value;
  const fold: (t: string) => string = ignoreCase ? (t) => t.toLowerCase() : (t) => t;
  const tests: Record<string, () => TextTest> = {
    exact: () => (t) => fold(t) === wanted,
    prefix: () => (t) => fold(t).startsWith(wanted),
    suffix: () => (t) => fold(t).endsWith(wanted),
    contains: () => (t) => fold(t).includes(wanted),
    regex: () => fullMatch(value),
  };
  return tests[kind]!();
}

function pathMatcher(match: RouteMatch): (path: string) => boolean {
  const { kind, value } = match.path;
  // Any other request has a path.
  if (kind === "connect") return (path) => path === "";
  if (kind === "regex") return fullMatch(value);
  if (kind === "separated prefix") {
    const begins = textTest("prefix", value, !match.caseSensitive);
    return (path) => begins(path) && (path.length === value.length || path[value.length] === "/");
  }
  return textTest(kind === "path" ? "exact" : "prefix", value, !match.caseSensitive);
}

/** Each value of a repeated header is tested alone; any that fits counts. Inverting a missing header never fits. */
export function headerMatcher(config: HeaderMatcherConfig): (headers: HeaderMap) => boolean {
  const { name, invert, treatMissingAsEmpty } = config;
  if (config.kind === "present") {
    return (headers) => ((treatMissingAsEmpty || headers.has(name)) === config.present) !== invert;
  }
  const test: TextTest =
    config.kind === "range"
      ? (text) => inRange(text, config.range.start, config.range.end)
      : textTest(config.kind, config.value, config.ignoreCase);
  return (headers) => {
    const values = headers.getAll(name);
    if (values.length === 0) return treatMissingAsEmpty ? test("") !== invert : false;
    return values.some(test) !== invert;
  };
}

function inRange(text: string, start: number, end: number): boolean {
  if (!/^[+-]?\d+$/.test(text)) return false;
  const value = Number(text);
  return value >= start && value < end;
}

/** First value of a parameter, not decoded; undefined when the query does not name it. */
export function queryValue(query: string | undefined, name: string): string | undefined {
  if (query === undefined) return undefined;
  for (const pair of query.split("&")) {
    const at = pair.indexOf("=");
    if ((at < 0 ? pair : pair.slice(0, at)) === name) return at < 0 ? "" : pair.slice(at + 1);
  }
  return undefined;
}

function queryMatcher(config: QueryMatcherConfig): (query: string | undefined) => boolean {
  if (config.kind === "present") {
    return (query) => (queryValue(query, config.name) !== undefined) === config.present;
  }
  const test = textTest(config.kind, config.value, config.ignoreCase);
  return (query) => {
    const value = queryValue(query, config.name);
    return value !== undefined && test(value);
  };
}

/** Compiles the `match` of a route. */
export function routeMatcher(match: RouteMatch): RouteMatcher {
  const path = pathMatcher(match);
  const headers = match.headers.map(headerMatcher);
  const query = match.queryParameters.map(queryMatcher);
  const { fraction } = match;
  if (headers.length === 0 && query.length === 0 && !fraction) return (_, p) => path(p);
  return (h, p, q, random) =>
    path(p) && isIn(fraction, random) && headers.every((m) => m(h)) && query.every((m) => m(q));
}

/** From 0 to 2^53: what decides about fractions and weights. */
export function randomNumber(): number {
  return Math.floor(Math.random() * 2 ** 53);
}

/** Does a random number fall into a fraction? Without one everything does. */
export function isIn(fraction: Fraction | undefined, random: number): boolean {
  return !fraction || random % fraction.denominator < fraction.numerator;
}
