import { Status } from "../../../sdk/abi/status";
import type { RootContext } from "../../context/root-context";
import { type ForeignFunction, NOTHING } from "./call";
import { compile, type Expression } from "./cel";
import { encodeCel } from "./cel-values";

/** Expressions of one root context. */
const MAX_EXPRESSIONS = 10_000;

interface Table {
  readonly expressions: Map<number, Expression>;
  next: number;
}

/** Tokens are each root's own, from 0. */
const tables = new WeakMap<RootContext, Table>();

function tableOf(root: RootContext): Table {
  const table = tables.get(root) ?? { expressions: new Map(), next: 0 };
  tables.set(root, table);
  return table;
}

function tokenOf(argument: Buffer): number | undefined {
  return argument.length === 4 ? argument.readUInt32LE() : undefined;
}

/** CEL over the attributes that properties show. All of it acts on the callback's own context. */
export const expressions: Readonly<Record<"expr_create" | "expr_evaluate" | "expr_delete", ForeignFunction>> =
  {
    expr_create({ caller, argument }) {
      const table = tableOf(caller.root);
      if (table.expressions.size >= MAX_EXPRESSIONS) return Status.InternalFailure;
      try {
        const expression = compile(argument.toString("utf8"));
        while (table.expressions.has(table.next)) table.next = (table.next + 1) >>> 0;
        const token = table.next;
        table.expressions.set(token, expression);
        table.next = (token + 1) >>> 0;
        const result = Buffer.alloc(4);
        result.writeUInt32LE(token);
        return result;
      } catch {
        return Status.BadArgument;
      }
    },

    expr_evaluate({ caller, argument }) {
      const token = tokenOf(argument);
      if (token === undefined) return Status.BadArgument;
      const expression = tableOf(caller.root).expressions.get(token);
      if (!expression) return Status.NotFound;
      try {
        const scope = caller.properties();
        const encoded = expression.look?.(scope) ?? encodeCel(expression.evaluate(scope));
        return encoded ?? Status.SerializationFailure;
      } catch {
        return Status.InternalFailure;
      }
    },

    expr_delete({ caller, argument }) {
      const token = tokenOf(argument);
      if (token === undefined) return Status.BadArgument;
      tableOf(caller.root).expressions.delete(token);
      return NOTHING;
    },
  };
