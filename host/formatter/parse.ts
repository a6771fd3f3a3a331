import { FormatError } from "./format-error";
import { OPERATORS } from "./operators/table";
import type { Need, Reader } from "./scope";
import { bytesOf } from "./value";

/** A stretch of text as it stands, or an operator. */
export type Piece = string | Reader;

/** A format that has been read. */
export interface ParsedFormat {
  readonly pieces: readonly Piece[];
  readonly needs: ReadonlySet<Need>;
}

/** `%`, the name; then an argument or length, or the end. */
const NAME = /%([A-Z0-9_]+)([(:%])/y;
/** Behind the parenthesis that ends an argument. */
const END = /(?::(\d+))?%/y;

/** A length that Envoy's number can hold. */
const MAX_LENGTH = 2n ** 64n;

interface Command {
  name: string;
  argument: string;
  length: number | undefined;
  end: number;
}

/**
 * Reads a format string as Envoy does, in one pass: `%%` is a percent sign, everything else between two of them an
 * operator.
 *
 * @throws FormatError
 */
export function parseFormat(format: string): ParsedFormat {
  const text = bytesOf(format);
  const pieces: Piece[] = [];
  const needs = new Set<Need>();
  let literal = "";
  for (let at = 0; at < text.length; ) {
    const mark = text.indexOf("%", at);
    literal += text.slice(at, mark < 0 ? text.length : mark);
    if (mark < 0) break;
    if (text[mark + 1] === "%") {
      literal += "%";
      at = mark + 2;
      continue;
    }
    if (literal !== "") pieces.push(literal);
    literal = "";
    const command = commandAt(text, mark);
    pieces.push(located(mark, () => prepare(command, needs)));
    at = command.end;
  }
  if (literal !== "" || pieces.length === 0) pieces.push(literal);
  return { pieces, needs };
}

function located<T>(position: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof FormatError) error.position = position;
    throw error;
  }
}

/** An argument goes to the first `)` with the end of an operator behind it. */
function commandAt(text: string, mark: number): Command {
  NAME.lastIndex = mark;
  const [, name, next] = NAME.exec(text) ?? [];
  if (name === undefined) throw noCommand(mark);
  const behind = NAME.lastIndex;
  if (next === "%") return { name, argument: "", length: undefined, end: behind };
  if (next === ":") {
    const found = endAt(text, behind - 1);
    if (found) return { name, argument: "", ...found };
    throw noCommand(mark);
  }
  for (let close = text.indexOf(")", behind); close >= 0; close = text.indexOf(")", close + 1)) {
    const found = endAt(text, close + 1);
    if (!found) continue;
    const argument = text.slice(behind, close);
    if (argument.includes("\n")) break;
    return { name, argument, ...found };
  }
  throw noCommand(mark);
}

function endAt(text: string, at: number): { length: number | undefined; end: number } | undefined {
  END.lastIndex = at;
  const found = END.exec(text);
  if (!found) return undefined;
  const digits = found[1];
  if (digits !== undefined && BigInt(digits.slice(0, 40)) >= MAX_LENGTH) return undefined;
  return { length: digits === undefined ? undefined : Number(digits), end: END.lastIndex };
}

function noCommand(position: number): FormatError {
  const error = new FormatError("there is no operator that can be read here");
  error.position = position;
  return error;
}

/** Checks what follows a name, as Envoy does, before the operator itself looks at it. */
function prepare({ name, argument, length }: Omit<Command, "end">, needs: Set<Need>): Reader {
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (!operator) throw new FormatError(`unknown operator ${name}`);
  if (operator.needs) needs.add(operator.needs);
  if (operator.argument === undefined && !operator.length && (argument !== "" || length !== undefined))
    throw new FormatError(`${name} takes no argument and no length`);
  if (operator.argument === "required" && argument === "") throw new FormatError(`${name} needs an argument`);
  if (!operator.length && length !== undefined) throw new FormatError(`${name} takes no length`);
  return operator.make(argument, length, (command) => prepare(command, needs));
}
