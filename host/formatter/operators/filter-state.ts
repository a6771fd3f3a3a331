import { child, type PropertyValue } from "../../stores/property-values";
import { cut } from "../cut";
import { FormatError } from "../format-error";
import type { FormatScope, Operator, Operators } from "../scope";
import { bytesOf, type FormatValue, Tree } from "../value";

type Find = (scope: FormatScope, key: string) => PropertyValue | undefined;

/** As a line of text, unquoted. */
function plainText(value: PropertyValue | undefined): string | undefined {
  if (value?.kind === "text") return value.value;
  if (value?.kind === "bytes") return value.value.toString("latin1");
  if (value?.kind === "int" || value?.kind === "uint") return String(value.value);
  return undefined;
}

/** As the JSON form of the message that Envoy makes of a value. */
function typed(value: PropertyValue | undefined): FormatValue {
  if (value?.kind === "text") return new Tree(Buffer.from(value.value, "latin1").toString("utf8"));
  if (value?.kind === "bytes") return new Tree(value.value.toString("base64"));
  if (value?.kind === "message") return new Tree(value.value);
  return undefined;
}

const FORMS = {
  PLAIN: (value: PropertyValue | undefined) => plainText(value),
  TYPED: typed,
} as const;

function state(about: string, find: Find): Operator {
  return {
    about,
    argument: "optional",
    length: true,
    make(argument, length) {
      const [key = "", form = "", ...fields] = argument.split(":");
      const field = fields.join(":");
      if (key === "") throw new FormatError("a filter state needs a key");
      if (form !== "" && form !== "FIELD" && !Object.hasOwn(FORMS, form))
        throw new FormatError(`a filter state is shown as PLAIN, TYPED or FIELD, not as "${form}"`);
      if ((form === "FIELD") !== (field !== ""))
        throw new FormatError("FIELD, and nothing else, goes with a field's name");
      if (form === "FIELD")
        return (scope) => {
          const value = find(scope, key);
          return cut(value && plainText(child(value, field)), length);
        };
      if (form === "PLAIN") return (scope) => cut(plainText(find(scope, key)), length);
      return (scope) => {
        const value = typed(find(scope, key));
        if (length === undefined || !(value instanceof Tree)) return value;
        return cut(bytesOf(JSON.stringify(value.json)), length);
      };
    },
  };
}

export const FILTER_STATE_OPERATORS: Operators = {
  FILTER_STATE: state(
    "`KEY:PLAIN`, `KEY:TYPED` (default) or `KEY:FIELD:NAME`: what filters have left",
    ({ info }, key) => info.filterState.get(key),
  ),
  UPSTREAM_FILTER_STATE: state("Always `-`: nothing here keeps one", () => undefined),
};
