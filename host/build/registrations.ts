import { BuildError } from "../errors";
import type { AscClass, AscFile, AscNode, AscProgram, AscRange, Compiler } from "./compiler";
import type { SourceNames } from "./diagnostics";
import { isSdk } from "./sdk-elements";

/** A top-level `registerHttp<F, R>(...)` or `registerTcp<F, R>(...)` of the author's files. */
export interface RegisterCall {
  /** What it calls, and with which name: the text of the argument, quotes and all. */
  callee: string;
  name: string;
  range: AscRange;
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
      const { source, start, end } = call.args?.[0]?.range ?? call.range;
      const name = source.text.slice(start, end);
      if (filter) calls.push({ callee: call.expression!.text!, name, range: call.range, filter, root });
    }
  }
  return calls.length === mentions ? calls : undefined;
}

/** Of two filters of one kind and name the proxy could only ever run one. */
export function refuseSameName(calls: readonly RegisterCall[], names: SourceNames): void {
  const place = ({ range }: RegisterCall) => names.position(range.source.normalizedPath, range.start);
  const seen = new Map<string, RegisterCall>();
  for (const call of calls) {
    const first = seen.get(`${call.callee} ${call.name}`);
    if (first)
      throw new BuildError(
        `${place(call)}: ${call.filter.name} is registered as ${call.name}, as is ${first.filter.name} (${place(first)})`,
      );
    seen.set(`${call.callee} ${call.name}`, call);
  }
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
