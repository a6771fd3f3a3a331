import { BuildError } from "../errors";
import type { AscClass, AscFile, AscProgram, Compiler } from "./compiler";
import type { SourceNames } from "./diagnostics";
import { isSdk, lineage } from "./sdk-elements";

/** The author's files, and those of packages that may register for them. */
function authorFiles(program: AscProgram): AscFile[] {
  return [...program.filesByName.values()].filter(
    (file) => !isSdk(file) && !file.source.normalizedPath.startsWith("~lib/rt/"),
  );
}

/** A call, or a name for one; the import alone is what remains of a call that was forgotten. */
const REGISTERS = /\bregister(Http|Tcp)\s*([<(]|as\b)/;

/** A module that registers nothing is refused by every proxy, with words that do not lead back here. */
export function refuseNothingRegistered(program: AscProgram, entry: string): void {
  if (authorFiles(program).some((file) => REGISTERS.test(file.source.text))) return;
  throw new BuildError(
    `${entry}:1:1: no filter is registered; call registerHttp<YourFilter>("name") at the top level`,
  );
}

/** `onRequestHeader` compiles, and is never called: the compiler does not ask for `override`. */
export function findUncalledMethods(
  program: AscProgram,
  { elementKind }: Compiler,
  names: SourceNames,
): string[] {
  const warnings: string[] = [];
  const files = authorFiles(program);
  for (const element of program.elementsByName.values()) {
    if (element.kind !== elementKind.ClassPrototype || isSdk(element)) continue;
    const bases = lineage(element as AscClass).filter(isSdk);
    if (bases.length === 0) continue;
    const known = bases.flatMap((base) => [...(base.instanceMembers?.keys() ?? [])]);
    for (const { kind, name, declaration } of (element as AscClass).instanceMembers?.values() ?? []) {
      if (kind !== elementKind.FunctionPrototype || !/^on[A-Z]/.test(name) || known.includes(name)) continue;
      if (files.some((file) => new RegExp(`\\.\\s*${name}\\b`).test(file.source.text))) continue;
      const { source, start } = declaration.name.range;
      const callbacks = known.filter((each) => /^on[A-Z]/.test(each)).sort();
      warnings.push(
        `${names.position(source.normalizedPath, start)}: nothing calls ${name}; the callbacks are ${callbacks.join(", ")}`,
      );
    }
  }
  return warnings;
}
