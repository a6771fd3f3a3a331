import { FormatError } from "./format-error";
import { jsonText } from "./json-text";
import { type ParsedFormat, parseFormat } from "./parse";
import type { FormatScope, Need } from "./scope";
import type { Format } from "./text-format";
import { bytesOf, compareBytes, type FormatValue, sorted, textOf } from "./value";

/** Writes one value of a JSON line; undefined = left out. */
type Write = (scope: FormatScope) => string | undefined;

const NULL: Write = () => "null";
const OMITTED: Write = () => undefined;

interface Builder {
  readonly omitEmpty: boolean;
  readonly needs: Set<Need>;
}

/** A value with its type, as Envoy prints it. */
function typed(value: FormatValue): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") return jsonText(value);
  if (typeof value === "number") return String(value);
  return value.json === null ? undefined : bytesOf(JSON.stringify(sorted(value.json)));
}

function template(text: string, { omitEmpty, needs }: Builder): Write {
  const format: ParsedFormat = parseFormat(text);
  for (const need of format.needs) needs.add(need);
  const { pieces } = format;
  const [only] = pieces;
  if (pieces.length === 1) {
    if (typeof only === "string") return constant(jsonText(only));
    return (scope) => typed(only!(scope)) ?? (omitEmpty ? undefined : "null");
  }
  // Several pieces make text, whatever they are.
  const empty = omitEmpty ? "" : "-";
  return (scope) => {
    let line = "";
    for (const piece of pieces) line += typeof piece === "string" ? piece : (textOf(piece(scope)) ?? empty);
    return jsonText(line);
  };
}

const constant =
  (text: string): Write =>
  () =>
    text;

function list(values: readonly unknown[], builder: Builder, path: readonly (string | number)[]): Write {
  const items = values.map((value, i) => build(value, builder, [...path, i]));
  return (scope) =>
    `[${items
      .map((write) => write(scope))
      .filter((text) => text !== undefined)
      .join(",")}]`;
}

function map(fields: object, builder: Builder, path: readonly (string | number)[], top: boolean): Write {
  const entries = Object.entries(fields)
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([key, value]) => ({
      key: `${jsonText(bytesOf(key))}:`,
      write: build(value, builder, [...path, key]),
    }));
  return (scope) => {
    let line = "";
    for (const { key, write } of entries) {
      const text = write(scope);
      if (text !== undefined) line += `${line === "" ? "" : ","}${key}${text}`;
    }
    return line === "" && builder.omitEmpty && !top ? undefined : `{${line}}`;
  };
}

function build(value: unknown, builder: Builder, path: readonly (string | number)[]): Write {
  if (value === null || value === undefined) return builder.omitEmpty ? OMITTED : NULL;
  if (typeof value === "string") {
    try {
      return value.includes("%") ? template(value, builder) : constant(jsonText(bytesOf(value)));
    } catch (error) {
      if (error instanceof FormatError) error.path = path;
      throw error;
    }
  }
  if (Array.isArray(value)) return list(value, builder, path);
  if (typeof value === "object") return map(value, builder, path, path.length === 0);
  return constant(typeof value === "number" && !Number.isFinite(value) ? "null" : String(value));
}

/**
 * Prepares a line of JSON: fields in the order of their names; an operator alone keeps its type, anything around it
 * makes it text.
 *
 * @param omitEmpty leaves out what an operator does not find, which is null otherwise
 * @throws FormatError, whose `path` leads to the format that is wrong
 */
export function jsonFormat(fields: object, omitEmpty: boolean): Format {
  const needs = new Set<Need>();
  const write = map(fields, { omitEmpty, needs }, [], true);
  return { needs, format: (scope) => `${write(scope)}\n` };
}
