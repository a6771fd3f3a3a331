import { cut } from "../cut";
import { FormatError } from "../format-error";
import type { Operator, Operators, Prepare, Reader } from "../scope";
import { Tree } from "../value";

/** `"NAME"` or `{"command": "NAME", "param": "...", "max_length": 1}`. */
function entry(given: unknown, prepare: Prepare): Reader {
  if (typeof given === "string") return prepare({ name: given, argument: "", length: undefined });
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new FormatError("COALESCE: an operator is a name, or a map with a command");
  const { command, param = "", max_length: length } = given as Record<string, unknown>;
  if (typeof command !== "string") throw new FormatError("COALESCE: an operator needs a command");
  if (typeof param !== "string") throw new FormatError("COALESCE: param must be text");
  if (length !== undefined && (!Number.isSafeInteger(length) || (length as number) <= 0))
    throw new FormatError("COALESCE: max_length must be a whole number above 0");
  return prepare({ name: command, argument: param, length: length as number | undefined });
}

function operatorsOf(argument: string): unknown[] {
  let config: unknown;
  try {
    config = JSON.parse(Buffer.from(argument, "latin1").toString("utf8"));
  } catch {
    throw new FormatError("COALESCE needs JSON");
  }
  const list = (config as { operators?: unknown } | null)?.operators;
  if (!Array.isArray(list) || list.length === 0)
    throw new FormatError("COALESCE needs a list of operators that is not empty");
  return list;
}

const COALESCE: Operator = {
  about:
    'The first of several operators that finds something: `{"operators": ["REQUESTED_SERVER_NAME", {"command": "REQ", "param": ":authority"}]}`',
  argument: "required",
  length: true,
  make(argument, length, prepare) {
    const readers = operatorsOf(argument).map((each) => entry(each, prepare));
    return (scope) => {
      for (const read of readers) {
        const value = read(scope);
        if (typeof value === "string" && value !== "") return cut(value, length);
        if (typeof value === "number" || value instanceof Tree) return value;
      }
      return undefined;
    };
  },
};

export const COALESCE_OPERATOR: Operators = { COALESCE };
