import { crc32 } from "node:zlib";

/** The shapes of the AssemblyScript compiler that coverage looks at. */
export interface Range {
  start: number;
  end: number;
  source: Source;
}

export interface Node {
  kind: number;
  range: Range;
}

export interface Source extends Node {
  normalizedPath: string;
  text: string;
  statements: Node[];
  lineAt(at: number): number;
  columnAt(): number;
}

export interface Ast {
  NodeKind: Readonly<Record<string, number>>;
  Parser: new () => {
    sources: Source[];
    parseFile(text: string, path: string, isEntry: boolean): void;
    nextFile(): string | null;
  };
  Node: {
    createIdentifierExpression(name: string, range: Range): Node;
    createCallExpression(callee: Node, types: null, args: Node[], range: Range): Node;
    createExpressionStatement(expression: Node): Node;
    createIntegerLiteralExpression(value: unknown, range: Range): Node;
    createBlockStatement(statements: Node[], range: Range): Node;
  };
}

/** A statement that is counted, and the function it is the first statement of. */
export interface Counted {
  node: Node;
  /** Set for the first statement of a function: the function's name and place. */
  opens: { name: string; range: Range } | undefined;
}

/** Puts something in front of a counted statement: the counter's call, or nothing. */
export type Visit = (statement: Counted, index: number) => Node[];

type Fields = Record<string, unknown>;

/** Loads the compiler's syntax tree; its declarations would bring globals that clash with Node's. */
export async function loadAst(): Promise<Ast> {
  const name: string = "assemblyscript";
  return import(name);
}

/**
 * Walks the statements of all functions of a file, in an order that depends on its text alone, and puts what `visit` answers
 * in front of each. Branches without braces get some.
 */
export function walkStatements(source: Source, { NodeKind, Node: make }: Ast, visit: Visit): void {
  const skipped = [NodeKind.Block, NodeKind.Empty, NodeKind.FunctionDeclaration];
  let count = 0;

  function list(statements: Node[], opens: Counted["opens"]): Node[] {
    const out: Node[] = [];
    let first = opens;
    for (const statement of statements) {
      if (!skipped.includes(statement.kind)) {
        const before = visit({ node: statement, opens: first }, count++);
        first = undefined;
        // Nothing may stand before the base's constructor.
        if (isSuperCall(statement)) {
          out.push(statement, ...before);
          walk(statement, true);
          continue;
        }
        out.push(...before);
      }
      out.push(statement);
      walk(statement, true);
    }
    return out;
  }

  function isSuperCall(node: Node): boolean {
    const call = (node as Node & { expression?: Node & { expression?: Node } }).expression;
    return call !== undefined && call.kind === NodeKind.Call && call.expression?.kind === NodeKind.Super;
  }

  function walk(node: Node, inFunction: boolean, opens?: Counted["opens"]): void {
    const fields = node as unknown as Fields;
    const isFunction = node.kind === NodeKind.FunctionDeclaration || node.kind === NodeKind.MethodDeclaration;
    if (isFunction) {
      const { name, body, range } = fields as unknown as {
        name: { text: string };
        body: Node | null;
        range: Range;
      };
      // An arrow with an expression for a body belongs to the statement it stands in.
      if (!body) return;
      if (body.kind === NodeKind.Block) walk(body, true, { name: name.text || "(anonymous)", range });
      else walk(body, inFunction);
      return;
    }
    for (const [field, value] of Object.entries(fields)) {
      if (field === "range" || field === "parent") continue;
      if (Array.isArray(value)) {
        if (field === "statements" && inFunction) fields[field] = list(value, opens);
        else for (const child of value) if (isNode(child)) walk(child, inFunction);
      } else if (isNode(value)) {
        if (inFunction && BRANCHES.has(field) && isStatement(value)) {
          fields[field] = make.createBlockStatement(list([value], undefined), value.range);
        } else walk(value, inFunction);
      }
    }
  }

  const statements = new Set(
    [
      "Expression",
      "For",
      "ForOf",
      "If",
      "Return",
      "Switch",
      "Throw",
      "Try",
      "Variable",
      "Void",
      "While",
      "Do",
      "Break",
      "Continue",
    ].map((name) => NodeKind[name]),
  );
  const isStatement = (node: Node) => statements.has(node.kind);

  for (const statement of source.statements) walk(statement, false);
}

const BRANCHES: ReadonlySet<string> = new Set(["ifTrue", "ifFalse", "body"]);

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "kind" in value && "range" in value;
}

const PACKAGE = "~lib/proxy-wasm-toolkit/";

/** The path in this project of a file whose lines count; undefined for all others. */
export function countedPath(normalizedPath: string): string | undefined {
  const path = normalizedPath.startsWith(PACKAGE) ? normalizedPath.slice(PACKAGE.length) : normalizedPath;
  return /^(sdk|filters)\/.*\.ts$/.test(path) ? path : undefined;
}

/** What stands for a file in a module's messages. */
export function fileNumber(path: string): number {
  return crc32(path);
}
