import { isAlias, isMap, isSeq, type Node, Scalar, visit, type YAMLMap, type YAMLSeq } from "yaml";
import { UsageError } from "../errors";
import { type FieldPath, formatPath, parsePath } from "./path";
import { readSource, type Source, toCamel } from "./yaml";

/** The key a map spells `name` with: snake_case or lowerCamelCase; undefined when it has neither. */
function keyIn(node: Node, name: string): string | undefined {
  if (!isMap(node)) return undefined;
  return [name, toCamel(name)].find((key) => node.has(key));
}

/** A copy must not define the anchors of its original again. */
function dropAnchors(copy: Node): void {
  visit(copy, { Node: (_, node) => void (isAlias(node) || delete (node as Scalar).anchor) });
}

/** Follows `path` as far as it leads; field names may stand in either spelling. */
function follow(source: Source, path: FieldPath): { found: (string | number)[]; complete: boolean } {
  let node = source.document.contents as Node | null | undefined;
  const found: (string | number)[] = [];
  for (const part of path) {
    if (!node) return { found, complete: false };
    const key =
      typeof part === "number" ? (isSeq(node) && node.items[part] ? part : undefined) : keyIn(node, part);
    if (key === undefined) return { found, complete: false };
    found.push(key);
    const parent = node as YAMLMap | YAMLSeq;
    node = parent.get(key, true) as Node | undefined;
    // One use of an anchor is overridden, not all of them.
    if (isAlias(node)) {
      const copy = node.resolve(source.document)?.clone() as Node | undefined;
      if (copy) dropAnchors(copy);
      parent.set(key as never, copy);
      node = copy;
    }
  }
  return { found, complete: true };
}

/** Carries `key=value` overrides into a parsed file. The field must exist; the value is read as a YAML scalar. */
export function override(source: Source, assignments: readonly string[]): void {
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    const path = at > 0 ? parsePath(assignment.slice(0, at)) : undefined;
    if (!path)
      throw new UsageError(
        `--set ${assignment}: expected path=value, e.g. admin.address.socket_address.port_value=0`,
      );
    const { found, complete } = follow(source, path);
    if (!complete) {
      const nearest = found.length > 0 ? `; the file has ${formatPath(found)}` : "";
      throw new UsageError(`--set ${formatPath(path)}: the file has no such field${nearest}`);
    }
    const value = new Scalar(assignment.slice(at + 1));
    value.type = source.json && !isJson(assignment.slice(at + 1)) ? Scalar.QUOTE_DOUBLE : Scalar.PLAIN;
    const old = source.document.getIn(found, true) as Node | undefined;
    // Errors in the new value point at the field it stands in.
    if (old?.range) value.range = old.range;
    source.document.setIn(found, value);
  }
}

/** In a JSON file what is no number, true, false or null is a string. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The text of a file with overrides carried in, for an engine that reads files. */
export function applySet(text: string, file: string, assignments: readonly string[]): string {
  if (assignments.length === 0) return text;
  const source = readSource(text, file);
  override(source, assignments);
  // A JSON file stays one: YAML would break long strings over lines.
  return source.document.toString({ lineWidth: 0, doubleQuotedAsJSON: true });
}
