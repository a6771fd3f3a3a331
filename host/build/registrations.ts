import type { AscClass, AscFile, AscNode, AscProgram, Compiler } from "./compiler";
import { isSdk } from "./sdk-elements";

/** A top-level `registerHttp<F, R>(...)` or `registerTcp<F, R>(...)` of the author's files. */
export interface RegisterCall {
  filter: AscClass;
  root: AscClass | undefined;
}

const REGISTER = /\bregister(?:Http|Tcp)\s*</g;
const REGISTER_NAMES: ReadonlySet<string | undefined> = new Set(["registerHttp", "registerTcp"]);

/**
 * All registrations of a program; undefined when one of them is not a plain top-level call, so that nothing can be
 * said about which classes are in use.
 */
export function findRegistrations(
  program: AscProgram,
  { nodeKind, elementKind }: Compiler,
): RegisterCall[] | undefined {
  const calls: RegisterCall[] = [];
  let mentions = 0;
  for (const file of program.filesByName.values()) {
    if (isSdk(file) || file.source.normalizedPath.startsWith("~lib/rt/")) continue;
    mentions += [...file.source.text.matchAll(REGISTER)].length;
    for (const statement of file.source.statements) {
      const call = statement.kind === nodeKind.Expression ? statement.expression : undefined;
      if (call?.kind !== nodeKind.Call || !REGISTER_NAMES.has(call.expression?.text)) continue;
      const [filter, root] = typeArguments(call, file, elementKind.ClassPrototype);
      if (filter) calls.push({ filter, root });
    }
  }
  return calls.length === mentions ? calls : undefined;
}

/** Whether a program's files speak of HTTP filters and of TCP filters. */
export function registersBothKinds(program: AscProgram): boolean {
  const authors = [...program.filesByName.values()].filter((file) => !isSdk(file));
  const mentions = (name: RegExp) => authors.some(({ source }) => name.test(source.text));
  return mentions(/\bregisterHttp\b/) && mentions(/\bregisterTcp\b/);
}

function typeArguments(call: AscNode, file: AscFile, classKind: number): (AscClass | undefined)[] {
  return (call.typeArguments ?? []).map((type) => {
    const element = type.name ? file.lookup(type.name.identifier.text) : null;
    return element?.kind === classKind ? (element as AscClass) : undefined;
  });
}
