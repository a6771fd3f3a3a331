import type { AscFile, AscNode, AscProgram, Compiler } from "./compiler";
import { isSdk, SDK } from "./sdk-elements";

const LOGGING = `${SDK}/hostcalls/logging`;

/** Log function -> the question that comes before it. */
const GATES: Readonly<Record<string, string>> = {
  [`${LOGGING}/logTrace`]: "isLoggingTrace",
  [`${LOGGING}/logDebug`]: "isLoggingDebug",
  [`${LOGGING}/logInfo`]: "isLoggingInfo",
  [`${LOGGING}/logWarn`]: "isLoggingWarn",
};

/** Walking a tree takes time, and most files have nothing to find: the library's above all. */
const MENTIONED = /\blog(?:Trace|Debug|Info|Warn)\b/;

/** Fields whose statement may be exchanged for another one. */
const BRANCHES = ["ifTrue", "ifFalse"];

/**
 * Puts `logDebug(message)` behind `if (isLoggingDebug())` where the message has to be built first, so that a line below
 * the active level costs no string. A function cannot do that: its arguments exist before it is called.
 */
export function gateLogs(program: AscProgram, compiler: Compiler): void {
  for (const file of program.filesByName.values()) {
    if (isSdk(file) || !MENTIONED.test(file.source.text)) continue;
    visit(file.source as unknown as AscNode, (statement) => gated(statement, file, program, compiler));
  }
}

/** Walks the tree and exchanges statements in place. */
function visit(node: AscNode, exchange: (statement: AscNode) => AscNode): void {
  for (const [field, value] of Object.entries(node)) {
    if (field === "range" || field === "parent") continue;
    if (Array.isArray(value)) {
      for (const [index, child] of value.entries()) {
        if (!isNode(child)) continue;
        if (field === "statements") value[index] = exchange(child);
        visit(child, exchange);
      }
    } else if (isNode(value)) {
      if (BRANCHES.includes(field)) (node as unknown as Record<string, AscNode>)[field] = exchange(value);
      visit(value, exchange);
    }
  }
}

function isNode(value: unknown): value is AscNode {
  return typeof value === "object" && value !== null && "kind" in value && "range" in value;
}

function gated(statement: AscNode, file: AscFile, program: AscProgram, compiler: Compiler): AscNode {
  const { nodeKind, node: make } = compiler;
  const call = statement.kind === nodeKind.Expression ? statement.expression : undefined;
  if (call?.kind !== nodeKind.Call || call.expression?.kind !== nodeKind.Identifier) return statement;
  const [message] = call.args ?? [];
  if (!message || isConstant(message, compiler)) return statement;
  const gate = GATES[file.lookup(call.expression.text ?? "")?.internalName ?? ""];
  const question = gate && program.elementsByName.get(`${LOGGING}/${gate}`);
  if (!question) return statement;
  // A name no author can write stands for the question in this file.
  const name = `~${gate}`;
  file.members?.set(name, question);
  const { range } = statement;
  const ask = make.createCallExpression(make.createIdentifierExpression(name, range), null, [], range);
  return make.createIfStatement(ask, statement, null, range);
}

/** A text that stands in the module as it is. */
function isConstant(node: AscNode, { nodeKind, literalKind }: Compiler): boolean {
  return node.kind === nodeKind.Literal && node.literalKind === literalKind.String;
}
