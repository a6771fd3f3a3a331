import { BuildError } from "../errors";

/**
 * The parts of the AssemblyScript compiler this room uses. Its own declarations bring globals that clash with Node's,
 * so the few shapes we need are written down here.
 */

export interface AscApi {
  main(argv: string[], options: AscOptions): Promise<{ error: Error | null }>;
}

export interface AscOptions {
  stdout: { write(text: string): void };
  stderr: { write(text: string): void };
  readFile(filename: string, baseDir: string): string | null;
  writeFile(filename: string, contents: Uint8Array | string): void;
  listFiles(): string[];
  reportDiagnostic(message: AscDiagnostic): void;
  transforms: object[];
}

export interface AscSource {
  /** Path as the compiler names it, e.g. `~lib/proxy-wasm-toolkit/sdk/index.ts`. */
  normalizedPath: string;
  /** Missing in diagnostics. */
  text: string;
}

export interface AscRange {
  source: AscSource;
  start: number;
  end: number;
}

export interface AscDiagnostic {
  code: number;
  /** 0 pedantic, 1 info, 2 warning, 3 error. */
  category: number;
  message: string;
  range: AscRange | null;
}

/** A class, function, variable, ... of the program. */
export interface AscElement {
  kind: number;
  name: string;
  internalName: string;
  members: Map<string, AscElement> | null;
  declaration: { range: AscRange; name: { range: AscRange } };
}

/** A field, or a pair of accessors. */
export interface AscProperty extends AscElement {
  isField: boolean;
}

export interface AscClass extends AscElement {
  basePrototype: AscClass | null;
  instanceMembers: Map<string, AscElement> | null;
  constructorPrototype: AscElement | null;
}

export interface AscFile extends AscElement {
  source: AscSource & { statements: AscNode[] };
  exports: Map<string, AscElement> | null;
  lookup(name: string): AscElement | null;
}

/** A syntax node; only the fields that some kinds have and we look at. */
export interface AscNode {
  kind: number;
  range: AscRange;
  text?: string;
  expression?: AscNode;
  args?: AscNode[];
  literalKind?: number;
  typeArguments?: { name?: { identifier: { text: string } }; range: AscRange }[] | null;
}

export interface AscProgram {
  elementsByName: Map<string, AscElement>;
  filesByName: Map<string, AscFile>;
}

/** Numbers of the pinned compiler's `ElementKind` and `NodeKind`, as far as we ask. */
export interface Compiler {
  asc: AscApi;
  elementKind: { ClassPrototype: number; PropertyPrototype: number; FunctionPrototype: number };
  nodeKind: { Expression: number; Call: number; Identifier: number; Literal: number };
  literalKind: { String: number };
  /** Makes syntax nodes. */
  node: AscNodeFactory;
}

export interface AscNodeFactory {
  createIdentifierExpression(name: string, range: AscRange): AscNode;
  createCallExpression(callee: AscNode, types: null, args: AscNode[], range: AscRange): AscNode;
  createIfStatement(condition: AscNode, ifTrue: AscNode, ifFalse: null, range: AscRange): AscNode;
}

/** Loads the compiler on first use: it is large, and most commands do not need it. */
export async function loadCompiler(): Promise<Compiler> {
  const names: string[] = ["assemblyscript/asc", "assemblyscript"];
  const [asc, compiler] = await Promise.all(names.map((name) => import(name)));
  const { ClassPrototype, PropertyPrototype, FunctionPrototype } = compiler.ElementKind;
  const { Expression, Call, Identifier, Literal } = compiler.NodeKind;
  const kinds = [ClassPrototype, PropertyPrototype, FunctionPrototype, Expression, Call, Identifier, Literal];
  if (kinds.includes(undefined))
    throw new BuildError("this version of AssemblyScript is not the one the package pins; reinstall it");
  return {
    asc,
    elementKind: { ClassPrototype, PropertyPrototype, FunctionPrototype },
    nodeKind: { Expression, Call, Identifier, Literal },
    literalKind: { String: compiler.LiteralKind.String },
    node: compiler.Node,
  };
}
