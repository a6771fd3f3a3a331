import {
  type CelInput,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  isCelError,
  parse,
  plan,
} from "@bufbuild/cel";
import { findProperty, type PropertyScope } from "../../stores/properties";
import { attributeEncoder, type Encoder } from "./attribute-expressions";
import { toCel } from "./cel-values";

/** Longest expression, in characters, as Envoy's parser takes it. */
const MAX_LENGTH = 100_000;

/** Turns of `all`, `exists`, `map`, ... in one evaluation, nested ones counted, as in Envoy. */
const MAX_TURNS = 10_000;

/** A compiled expression. */
export interface Expression {
  /** Throws what went wrong. */
  evaluate(scope: PropertyScope): CelValue;
  /** Its encoded value without an evaluator, where that is enough; undefined = not for this one, or not this time. */
  readonly look: Encoder | undefined;
}

type Expr = ReturnType<typeof parse>["expr"];
type Call = Extract<Expr["exprKind"], { case: "callExpr" }>["value"];

/** Counts turns. */
const TURN = "__turn__";
let turnsLeft = 0;

const environment = celEnv({
  funcs: [
    celFunc(TURN, [], CelScalar.BOOL, () => {
      if (--turnsLeft < 0) throw new Error(`more than ${MAX_TURNS} iterations`);
      return true;
    }),
  ],
});

/** Throws for what is no CEL. */
export function compile(text: string): Expression {
  if (text.length > MAX_LENGTH) throw new Error(`longer than ${MAX_LENGTH} characters`);
  const { expr } = parse(text);
  prepare(expr);
  const evaluate = plan(environment, expr);
  return {
    evaluate(scope) {
      turnsLeft = MAX_TURNS;
      const value = evaluate(attributes(scope));
      if (isCelError(value)) throw value;
      return value;
    },
    look: attributeEncoder(expr),
  };
}

/** The names an expression may use, looked up when it uses them. */
function attributes(scope: PropertyScope): Record<string, CelInput> {
  return new Proxy<Record<string, CelInput>>(Object.create(null), {
    get(_, name) {
      // `request.path` is asked for as one name first; attributes have no dots.
      if (typeof name !== "string" || name.includes(".")) return undefined;
      const found = findProperty(scope, name);
      return found && toCel(found);
    },
  });
}

/**
 * Makes every loop ask before each turn whether it may go on, and refuses functions that do not exist. The stack is our own:
 * expressions may be deep.
 */
function prepare(root: Expr): void {
  const stack: (Expr | undefined)[] = [root];
  while (stack.length > 0) {
    const { case: kind, value } = stack.pop()?.exprKind ?? { case: undefined, value: undefined };
    if (kind === "selectExpr") stack.push(value.operand);
    else if (kind === "callExpr") stack.push(...checkedCall(value));
    else if (kind === "listExpr") stack.push(...value.elements);
    else if (kind === "structExpr")
      for (const { keyKind, value: entry } of value.entries)
        stack.push(keyKind.case === "mapKey" ? keyKind.value : undefined, entry);
    else if (kind === "comprehensionExpr") {
      const { iterRange, accuInit, loopCondition, loopStep, result } = value;
      stack.push(iterRange, accuInit, loopCondition, loopStep, result);
      value.loopCondition = guarded(loopCondition!);
    }
  }
}

/** `__turn__() && condition` */
function guarded(condition: Expr): Expr {
  const guard = parse(`${TURN}() && true`).expr;
  if (guard.exprKind.case === "callExpr") guard.exprKind.value.args[1] = condition;
  return guard;
}

/** The operands of a call. Operators have names that are no identifiers; the rest must be functions of CEL. */
function checkedCall(call: Call): (Expr | undefined)[] {
  const { function: name } = call;
  if (name === "matches" && !call.target) call.target = call.args.shift();
  const { target, args } = call;
  const known = [...(environment.funcs.find(name) ?? [])].some(
    (f) => (f.target === undefined) === (target === undefined) && f.arguments.length === args.length,
  );
  if (!known && /^\w+$/.test(name)) throw new Error(`no function ${name} of ${args.length} arguments`);
  return [target, ...args];
}
