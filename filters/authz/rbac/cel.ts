import { Expression } from "proxy-wasm-toolkit/sdk";
import { Facts } from "../facts";
import { Matcher } from "../matcher";
import { Place } from "../place";
import { Cost } from "../source";

/** A CEL condition, evaluated by the proxy; one that fails does not hold, as in Envoy. */
class Condition extends Matcher {
  constructor(private readonly expression: Expression) {
    super();
  }

  get cost(): Cost {
    return Cost.Claim;
  }

  matches(facts: Facts): bool {
    return this.expression.holds;
  }
}

/** Envoy's `condition`: CEL as a syntax tree. Null (with an error) when the proxy cannot evaluate it. */
export function readCondition(place: Place): Matcher | null {
  const text = textOf(place);
  if (place.fields.error != "") return null;
  const expression = Expression.compile(text);
  if (expression != null) return new Condition(expression);
  place.fail(`the proxy does not take the expression ${text}`);
  return null;
}

const KINDS: string[] = ["ident_expr", "const_expr", "select_expr", "call_expr", "list_expr"];

/** The tree as text, every part in parentheses. */
function textOf(place: Place): string {
  const kind = place.oneOf(KINDS, ["id"]);
  const inner = place.at(kind);
  if (kind == "const_expr") return constant(inner);
  if (kind == "ident_expr") return inner.isObject(["name"]) ? word(inner.at("name")) : "";
  if (kind == "select_expr") {
    if (!inner.isObject(["operand", "field", "test_only"])) return "";
    const path = `${textOf(inner.at("operand"))}.${word(inner.at("field"))}`;
    return inner.at("test_only").flag() ? `has(${path})` : path;
  }
  if (kind == "list_expr")
    return inner.isObject(["elements"]) ? `[${all(inner.at("elements")).join(",")}]` : "";
  if (kind != "") return call(inner);
  place.fail("needs an expression");
  return "";
}

function all(place: Place): string[] {
  const items = place.list();
  const texts: string[] = [];
  for (let i = 0; i < items.length; i++) texts.push(textOf(items[i]));
  return texts;
}

/** Operators are functions called like `_&&_`. */
function call(place: Place): string {
  if (!place.isObject(["target", "function", "args"])) return "";
  const name = place.at("function").word();
  const args = all(place.at("args"));
  const target = place.at("target");
  const isOperator = name.startsWith("_") || name.endsWith("_") || name.startsWith("@");
  if (!isOperator) {
    const before = target.isMissing ? "" : `${textOf(target)}.`;
    return `${before}${word(place.at("function"))}(${args.join(",")})`;
  }
  if (name == "_[_]" && args.length == 2) return `${args[0]}[${args[1]}]`;
  if (name == "_?_:_" && args.length == 3) return `(${args[0]}?${args[1]}:${args[2]})`;
  if ((name == "@in" || name == "_in_") && args.length == 2) return `(${args[0]} in ${args[1]})`;
  if ((name == "!_" || name == "-_") && args.length == 1) return `(${name.charAt(0)}${args[0]})`;
  if (args.length == 2 && OPERATORS.includes(name))
    return `(${args[0]}${name.substring(1, name.length - 1)}${args[1]})`;
  place.at("function").fail(`no operator ${name} with as many arguments`);
  return "";
}

const OPERATORS: string[] = [
  "_&&_",
  "_||_",
  "_==_",
  "_!=_",
  "_<_",
  "_<=_",
  "_>_",
  "_>=_",
  "_+_",
  "_-_",
  "_*_",
  "_/_",
  "_%_",
];

function constant(place: Place): string {
  const kind = place.oneOf(["string_value", "bool_value", "int64_value", "uint64_value", "double_value"], []);
  const value = place.at(kind);
  if (kind == "string_value") return quoted(value);
  if (kind == "bool_value") return value.flag() ? "true" : "false";
  const json = value.json;
  // 64 bits may be written as a text.
  const text = json != null && (json.isText || json.isNumber) ? json.text : "";
  const isWhole = kind != "double_value";
  if (text == "" || !isNumeric(text, isWhole)) {
    place.fail("expected a text, a boolean or a number");
    return "";
  }
  if (kind == "uint64_value") return `${text}u`;
  return isWhole || text.includes(".") ? `(${text})` : `double(${text})`;
}

function isNumeric(text: string, isWhole: bool): bool {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isSign = c == 45 && i == 0 && text.length > 1;
    if (!isSign && (c < 48 || c > 57) && (isWhole || c != 46)) return false;
  }
  return true;
}

const QUOTE = 34;
const BACKSLASH = 92;

function quoted(place: Place): string {
  const text = place.text();
  let result = String.fromCharCode(QUOTE);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 32) place.fail("a text with control characters");
    if (c == QUOTE || c == BACKSLASH) result += "\\";
    result += text.charAt(i);
  }
  return result + String.fromCharCode(QUOTE);
}

/** A name: nothing else may come into the text. */
function word(place: Place): string {
  const text = place.word();
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isLetter = ((c | 32) >= 97 && (c | 32) <= 122) || c == 95;
    if (!isLetter && (i == 0 || c < 48 || c > 57)) place.fail("expected a name");
  }
  return text;
}
