import type { parse } from "@bufbuild/cel";
import { encodePairs } from "../../stores/pairs";
import { attribute, findProperty, type PropertyScope } from "../../stores/properties";
import { child, encodeProperty, type PropertyValue } from "../../stores/property-values";

type Expr = ReturnType<typeof parse>["expr"];

/** The encoded value; undefined = the evaluator has to say. */
export type Encoder = (scope: PropertyScope) => Buffer | undefined;
type Lookup = (scope: PropertyScope) => PropertyValue | undefined;
type Test = (scope: PropertyScope) => boolean | undefined;

const ASCII = /^[\x20-\x7e]*$/;

/**
 * An expression that only looks attributes up: `a.b`, texts, `has(a.b) ? x : y`, lists of these, which is what filters ask for
 * on every request. It needs no evaluator as long as every attribute is there and plain; undefined for other expressions.
 */
export function attributeEncoder(expr: Expr): Encoder | undefined {
  const { case: kind, value } = expr.exprKind;
  if (kind === "listExpr") return value.optionalIndices.length > 0 ? undefined : list(value.elements);
  if (kind === "callExpr")
    return value.function === "_?_:_" && !value.target ? choice(value.args) : undefined;
  if (kind === "constExpr") {
    const { case: type, value: text } = value.constantKind;
    if (type !== "stringValue") return undefined;
    const bytes = Buffer.from(text);
    return () => bytes;
  }
  const found = kind === "selectExpr" ? lookup(expr) : undefined;
  return found && ((scope) => encode(found(scope)));
}

function list(elements: readonly Expr[]): Encoder | undefined {
  const encoders = elements.map(attributeEncoder);
  if (encoders.includes(undefined)) return undefined;
  return (scope) => {
    const pairs: [Buffer, string][] = [];
    for (const each of encoders) {
      const bytes = each!(scope);
      if (!bytes) return undefined;
      pairs.push([bytes, ""]);
    }
    return encodePairs(pairs);
  };
}

function choice([condition, yes, no]: readonly Expr[]): Encoder | undefined {
  const test = condition && presence(condition);
  const [then, otherwise] = [yes && attributeEncoder(yes), no && attributeEncoder(no)];
  if (!test || !then || !otherwise) return undefined;
  return (scope) => {
    const holds = test(scope);
    return holds === undefined ? undefined : (holds ? then : otherwise)(scope);
  };
}

/** `has(a.b)`; undefined = there is no such `a`, or it has no fields here. */
function presence({ exprKind: { case: kind, value } }: Expr): Test | undefined {
  if (kind !== "selectExpr" || !value.testOnly || !value.operand) return undefined;
  const [key, name] = [latin1(value.field), nameOf(value.operand)];
  const operand = lookup(value.operand);
  if (!operand) return undefined;
  return (scope) => {
    const row = name === undefined ? undefined : attribute(scope, name, key);
    if (row) return row(scope) !== undefined;
    const map = operand(scope);
    return map?.kind === "map" ? child(map, key) !== undefined : undefined;
  };
}

const nameOf = ({ exprKind }: Expr): string | undefined =>
  exprKind.case === "identExpr" && !exprKind.value.name.includes(".") ? exprKind.value.name : undefined;

/** `a`, `a.b`, `a.b.c`; a value that is no map of attributes has no fields here. */
function lookup(expr: Expr): Lookup | undefined {
  const own = nameOf(expr);
  if (own !== undefined) return (scope) => findProperty(scope, own);
  const { case: kind, value } = expr.exprKind;
  if (kind !== "selectExpr" || value.testOnly || !value.operand) return undefined;
  const [key, name] = [latin1(value.field), nameOf(value.operand)];
  const operand = lookup(value.operand);
  if (!operand) return undefined;
  return (scope) => {
    const row = name === undefined ? undefined : attribute(scope, name, key);
    if (row) return row(scope);
    const map = operand(scope);
    return map?.kind === "map" ? child(map, key) : undefined;
  };
}

const PLAIN: ReadonlySet<PropertyValue["kind"]> = new Set([
  "int",
  "uint",
  "duration",
  "timestamp",
  "bool",
  "bytes",
]);

/** As `encodeCel` does of the same value; what takes more than a look is left to it. */
function encode(found: PropertyValue | undefined): Buffer | undefined {
  if (!found) return undefined;
  if (found.kind === "text") return ASCII.test(found.value) ? Buffer.from(found.value, "latin1") : undefined;
  const plain = found.kind === "tree" ? typeof found.value !== "object" : PLAIN.has(found.kind);
  return plain ? encodeProperty(found) : undefined;
}

const latin1 = (name: string): string => Buffer.from(name).toString("latin1");
