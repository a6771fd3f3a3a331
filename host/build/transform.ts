import { existsSync, realpathSync } from "node:fs";
import { BuildError } from "../errors";
import { CALLBACKS } from "./callbacks";
import type { AscClass, AscElement, AscFile, AscKinds, AscProgram } from "./compiler";
import type { SourceNames } from "./diagnostics";
import { PACKAGE } from "./sdk-location";

const SDK = `~lib/${PACKAGE}/sdk`;

/** Names in the SDK that stand for something the compiler offers no name for. */
const BINDINGS: readonly { file: string; member: string; target: string }[] = [
  { file: `${SDK}/memory/heap`, member: "heapBytes", target: "~lib/rt/tcms/total" },
];

/** What the hooks found out, for messages and checks after the compilation. */
export interface ProgramFacts {
  program: AscProgram | undefined;
  /** Removed callbacks. */
  pruned: Set<string>;
}

/** The compiler's hook: binds runtime names and leaves out the callbacks that no registered class overrides. */
export function sdkTransform(kinds: AscKinds, facts: ProgramFacts, names: SourceNames): object {
  return {
    afterInitialize(program: AscProgram) {
      facts.program = program;
      refuseSecondSdk(program, names);
      bind(program);
      const overridden = overriddenMethods(program, kinds);
      for (const { callback, file, methods } of CALLBACKS) {
        if (methods.some((method) => overridden.has(method))) continue;
        fileOf(program, `${SDK}/entry/${file}`).exports?.delete(callback);
        facts.pruned.add(callback);
      }
    },
  };
}

/** The same SDK file by relative path and by package name would be two sets of globals, and two registries. */
function refuseSecondSdk(program: AscProgram, names: SourceNames): void {
  const sources = [...program.filesByName.values()].map((file) => file.source.normalizedPath);
  const sdkFiles = new Set(
    sources.filter((source) => source.startsWith(`${SDK}/`)).map((source) => realPath(source)),
  );
  for (const source of sources) {
    if (source.startsWith("~lib/") || !sdkFiles.has(realPath(source))) continue;
    throw new BuildError(
      `${names.name(source)}:1:1: reached by a relative path, which makes a second copy of the SDK; ` +
        `import "${PACKAGE}/sdk"`,
    );
  }
  function realPath(source: string): string {
    const path = names.path(source) ?? source;
    return existsSync(path) ? realpathSync(path) : path;
  }
}

function bind(program: AscProgram): void {
  for (const { file, member, target } of BINDINGS) {
    const element = program.elementsByName.get(target);
    if (!element)
      throw new BuildError(`the compiler has no ${target}; use the AssemblyScript version this package pins`);
    fileOf(program, file).members?.set(member, element);
  }
}

function fileOf(program: AscProgram, name: string): AscFile {
  const file = program.filesByName.get(name) ?? program.filesByName.get(`${name}/index`);
  if (!file) throw new BuildError(`${name}: not part of the program; is the SDK complete?`);
  return file;
}

/** `Base.method` for each SDK method that a class of the program overrides, where Base is the SDK class declaring it. */
function overriddenMethods(program: AscProgram, kinds: AscKinds): Set<string> {
  const found = new Set<string>();
  for (const element of program.elementsByName.values()) {
    if (element.kind !== kinds.ClassPrototype || isSdk(element)) continue;
    const chain = bases(element as AscClass);
    for (const member of (element as AscClass).instanceMembers?.values() ?? []) {
      if (member.kind !== kinds.FunctionPrototype) continue;
      for (const base of chain) {
        if (isSdk(base) && base.instanceMembers?.has(member.name)) found.add(`${base.name}.${member.name}`);
      }
    }
  }
  return found;
}

function bases(element: AscClass): AscClass[] {
  const chain: AscClass[] = [];
  for (let base = element.basePrototype; base; base = base.basePrototype) chain.push(base);
  return chain;
}

function isSdk(element: AscElement): boolean {
  return element.internalName.startsWith(`${SDK}/`);
}
