import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  Scalar,
} from "yaml";
import { ConfigError, type ConfigIssue, type SourcePosition } from "../errors";
import type { FieldPath } from "./path";
import { resolvePlainScalar } from "./yaml-scalars";

/** A bootstrap file as text, as a tree of nodes with positions, and as plain JSON the way Envoy reads it. */
export interface Source {
  readonly file: string;
  readonly json: boolean;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** Envoy's JSON reader stops at this depth. */
const MAX_DEPTH = 100;
/** Aliases can multiply a small file; no real bootstrap comes near. */
const MAX_NODES = 500_000;

/** Reads YAML, or JSON when the name ends in `.json` as Envoy decides. Throws ConfigError on bad syntax. */
export function readSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const json = /\.json$/i.test(file);
  const source = { file, json, lines, document: parse(text, file, lines) };
  if (json) checkJson(text, source);
  return source;
}

function parse(text: string, file: string, lines: LineCounter): Document {
  let document: Document;
  try {
    document = parseDocument(text, { schema: "failsafe", lineCounter: lines, prettyErrors: false });
  } catch (cause) {
    // The parser recurses; only absurd nesting gets here.
    throw new ConfigError([
      {
        position: { file, line: 1, column: 1 },
        path: "",
        message: `cannot be read: ${(cause as Error).message}`,
      },
    ]);
  }
  const found = [...document.errors, ...document.warnings];
  if (found.length > 0) {
    throw new ConfigError(
      found.map((error) => ({
        position: positionOf(file, lines, error.pos[0]),
        path: "",
        message: SYNTAX_TEXT[error.code] ?? (RECURSION.test(error.message) ? TOO_DEEP : error.message),
      })),
    );
  }
  return document;
}

/** The parser recurses, and says so in the engine's words. */
const RECURSION = /call stack/;
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`;

const SYNTAX_TEXT: Partial<Record<string, string>> = {
  MULTIPLE_DOCS: "a second YAML document starts here; a bootstrap file is one document",
  DUPLICATE_KEY: "this key is given twice in one map",
  TAG_RESOLVE_FAILED: "YAML tags are not supported",
};

/** A `.json` file is read by Envoy's JSON parser, so YAML's liberties are refused. */
function checkJson(text: string, source: Source): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    const message = (cause as Error).message;
    const offset = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    const position = positionOf(source.file, source.lines, offset);
    throw new ConfigError([{ position, path: "", message: message.replace(/ in JSON at position.*$/, "") }]);
  }
}

function positionOf(file: string, lines: LineCounter, offset: number): SourcePosition {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The whole document as plain JSON. Throws ConfigError for what JSON cannot say (depth, odd keys, alias bombs). */
export function toPlain(source: Source): unknown {
  return new Plain(source).convert(source.document.contents as Node | null, 0);
}

class Plain {
  private budget = MAX_NODES;

  constructor(private readonly source: Source) {}

  convert(node: Node | null, depth: number): unknown {
    if (node === null) return null;
    if (--this.budget < 0) this.refuse(node, "the file grows too large when its aliases are followed");
    if (depth > MAX_DEPTH) this.refuse(node, TOO_DEEP);
    if (isAlias(node)) {
      const target = node.resolve(this.source.document);
      if (!target) return this.refuse(node, `the anchor *${node.source} is not defined`);
      return this.convert(target, depth + 1);
    }
    if (isMap(node)) return this.convertMap(node as never, depth);
    if (isSeq(node)) return node.items.map((item) => this.convert(item as Node | null, depth + 1));
    return this.convertScalar(node as Scalar);
  }

  private convertMap(
    node: { items: { key: unknown; value: unknown }[] },
    depth: number,
  ): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    for (const { key, value } of node.items) {
      if (!isScalar(key)) this.refuse((key ?? node) as Node, "a key must be plain text");
      if ((key as Scalar).tag === "!ignore") continue;
      entries.push([String((key as Scalar).value ?? ""), this.convert(value as Node | null, depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  private convertScalar(scalar: Scalar): unknown {
    const text = String(scalar.value ?? "");
    if (!text.isWellFormed()) this.refuse(scalar, "half of a surrogate pair is no text");
    if (scalar.type !== Scalar.PLAIN && scalar.type !== undefined) return text;
    return this.source.json ? JSON.parse(text) : resolvePlainScalar(text);
  }

  private refuse(node: Node, message: string): never {
    const position = positionOf(this.source.file, this.source.lines, node.range?.[0] ?? 0);
    throw new ConfigError([{ position, path: "", message } satisfies ConfigIssue]);
  }
}

/** Where a field stands; a path that leads nowhere gives the deepest part that exists. `key` asks for the field's name. */
export function locate(source: Source, path: FieldPath, want: "key" | "value"): SourcePosition {
  let node = source.document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(source.document) ?? null;
    let key: Node | null = null;
    let next: Node | null | undefined;
    if (isMap(node)) {
      const pair = findPair(node, String(part));
      key = (pair?.key ?? null) as Node | null;
      next = pair?.value as Node | null | undefined;
    } else if (isSeq(node)) {
      next = node.items[part as number] as Node | null | undefined;
    }
    if (!key && !next) break;
    node = next ?? null;
    const asked = want === "key" && index === path.length - 1 ? (key ?? next) : (next ?? key);
    offset = asked?.range?.[0] ?? key?.range?.[0] ?? offset;
  }
  return positionOf(source.file, source.lines, offset);
}

function findPair(map: { items: { key: unknown; value: unknown }[] }, name: string) {
  const named = (wanted: string) => map.items.find((pair) => isScalar(pair.key) && pair.key.value === wanted);
  return named(name) ?? named(toCamel(name));
}

/** `port_value` -> `portValue`, as protobuf's JSON form spells it. */
export function toCamel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
