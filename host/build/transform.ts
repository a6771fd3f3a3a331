import { existsSync, realpathSync } from "node:fs";
import { BuildError } from "../errors";
import { CALLBACKS } from "./callbacks";
import type { AscClass, AscProgram, AscProperty, Compiler } from "./compiler";
import type { SourceNames } from "./diagnostics";
import { gateLogs } from "./log-gates";
import { findRegistrations, type RegisterCall, refuseSameName, registersBothKinds } from "./registrations";
import { fileOf, isSdk, lineage, SDK } from "./sdk-elements";
import { PACKAGE } from "./sdk-location";

/**
 * The compiler's hook: binds names the compiler does not offer, keeps logging free below the level, and leaves out the callbacks that no registered class
 * overrides.
 * @param onProgram gets the program once it is complete
 */
export function sdkTransform(
  compiler: Compiler,
  names: SourceNames,
  onProgram: (program: AscProgram) => void,
): object {
  return {
    afterInitialize(program: AscProgram) {
      onProgram(program);
      refuseSecondSdk(program, names);
      const registrations = findRegistrations(program, compiler);
      refuseSameName(registrations ?? [], names);
      const overridden = overriddenMethods(classesInUse(program, compiler, registrations), compiler);
      const shared = isShared(program, compiler, registrations, overridden);
      // A module with one filter has one kind, whatever its comments mention.
      const bothKinds = !shared && registersBothKinds(program);

      gateLogs(program, compiler);
      bindGlobals(program);
      bindRuntime(program);
      if (shared) bind(program, "contexts/registry", "SHARED", `${SDK}/memory/layout/YES`);
      if (!overridden.has("RootContext.onVmStart"))
        bind(program, "entry/lifecycle", "READS_VM_CONFIGURATION", `${SDK}/memory/layout/NO`);
      if (!bothKinds) bind(program, "contexts/registry", "BOTH_KINDS", `${SDK}/memory/layout/NO`);
      for (const { callback, file, methods, keepsContexts, tellsKind } of CALLBACKS) {
        if (methods.some((method) => overridden.has(method)) || (keepsContexts && !shared)) continue;
        if (tellsKind && bothKinds) continue;
        fileOf(program, `${SDK}/entry/${file}`).exports?.delete(callback);
      }
    },
  };
}

/** The same SDK file by relative path and by package name would be two sets of globals, and two registries. */
function refuseSecondSdk(program: AscProgram, names: SourceNames): void {
  const realPath = (source: string): string => {
    const path = names.path(source) ?? source;
    return existsSync(path) ? realpathSync(path) : path;
  };
  const sources = [...program.filesByName.values()].map((file) => file.source.normalizedPath);
  const sdkFiles = new Set(sources.filter((source) => source.startsWith(`${SDK}/`)).map(realPath));
  for (const source of sources) {
    if (source.startsWith("~lib/") || !sdkFiles.has(realPath(source))) continue;
    throw new BuildError(
      `${names.name(source)}:1:1: reached by a relative path, which makes a second copy of the SDK; ` +
        `import "${PACKAGE}/sdk"`,
    );
  }
}

/** Makes a name in an SDK file stand for another element of the program. */
function bind(program: AscProgram, file: string, member: string, target: string): void {
  const element = program.elementsByName.get(target);
  if (!element)
    throw new BuildError(`the compiler has no ${target}; use the AssemblyScript version this package pins`);
  fileOf(program, `${SDK}/${file}`).members?.set(member, element);
}

/** The compiler's runtime, and what the SDK has in its place. */
const RUNTIME: Readonly<Record<string, string>> = {
  __new: "newObject",
  __renew: "renewObject",
  __link: "linkObject",
  __visit: "visitObject",
  __collect: "collectNow",
  __pin: "pinObject",
  __unpin: "unpinObject",
  __alloc: "allocateRaw",
  __realloc: "reallocateRaw",
  __free: "freeRaw",
};

function bindRuntime(program: AscProgram): void {
  for (const [name, target] of Object.entries(RUNTIME)) {
    const element = program.elementsByName.get(`${SDK}/memory/objects/${target}`);
    if (!element || !program.elementsByName.has(name))
      throw new BuildError(`the compiler has no ${name}; use the AssemblyScript version this package pins`);
    program.elementsByName.set(name, element);
  }
}

/** Functions of the compiler's library that would be imports, by namespace, and what the SDK has for them. */
const GLOBALS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Date: { now: "dateNow" },
  performance: { now: "performanceNow" },
  console: {
    assert: "consoleAssert",
    log: "consoleInfo",
    debug: "consoleDebug",
    info: "consoleInfo",
    warn: "consoleWarn",
    error: "consoleError",
    time: "consoleTime",
    timeLog: "consoleTimeLog",
    timeEnd: "consoleTimeEnd",
  },
};

function bindGlobals(program: AscProgram): void {
  for (const [namespace, functions] of Object.entries(GLOBALS)) {
    const members = program.elementsByName.get(`~lib/bindings/dom/${namespace}`)?.members;
    for (const [name, target] of Object.entries(functions)) {
      const element = program.elementsByName.get(`${SDK}/globals/${target}`);
      if (element) members?.set(name, element);
    }
  }
}

/** The author's classes: those registered and those that wait for calls; all when the registrations cannot be told. */
function classesInUse(
  program: AscProgram,
  { elementKind }: Compiler,
  registrations: RegisterCall[] | undefined,
): AscClass[] {
  const classes: AscClass[] = [];
  for (const element of program.elementsByName.values()) {
    if (element.kind === elementKind.ClassPrototype && !isSdk(element)) classes.push(element as AscClass);
  }
  if (!registrations) return classes;
  const registered = registrations.flatMap(({ filter, root }) => (root ? [filter, root] : [filter]));
  return registered.concat(classes.filter((each) => lineage(each).some(({ name }) => CALLOUTS.has(name))));
}

/** `Base.method` for each SDK method that one of the classes overrides, itself or by a base of its own. */
function overriddenMethods(classes: AscClass[], { elementKind }: Compiler): Set<string> {
  const found = new Set<string>();
  for (const element of classes) {
    const chain = lineage(element);
    const sdkBases = chain.filter(isSdk);
    for (const own of chain) {
      if (isSdk(own)) continue;
      for (const member of own.instanceMembers?.values() ?? []) {
        if (member.kind !== elementKind.FunctionPrototype) continue;
        for (const base of sdkBases) {
          if (base.instanceMembers?.has(member.name)) found.add(`${base.name}.${member.name}`);
        }
      }
    }
  }
  return found;
}

/** Classes whose objects wait for something on behalf of a context. */
const CALLOUTS: ReadonlySet<string> = new Set(["HttpCall", "GrpcCall", "GrpcStream"]);

/** Asking for the root, or handing `this` on, needs an object for each stream. */
const NEEDS_CONTEXT = /\.\s*root(Context)?\b|\bthis\b(?!\s*\.)/;

/** Whether one object can serve all streams: a single filter, no root of its own, no fields, nothing asks for `root`. */
function isShared(
  program: AscProgram,
  { elementKind }: Compiler,
  registrations: RegisterCall[] | undefined,
  overridden: Set<string>,
): boolean {
  const [only, ...others] = registrations ?? [];
  if (!only || only.root || others.length > 0 || overridden.has("StreamContext.onDelete")) return false;
  if ([...overridden].some((method) => CALLOUTS.has(method.slice(0, method.indexOf("."))))) return false;
  for (const own of lineage(only.filter)) {
    if (isSdk(own)) break;
    const members = [...(own.instanceMembers?.values() ?? [])];
    const fields = members.some(
      (member) => member.kind === elementKind.PropertyPrototype && (member as AscProperty).isField,
    );
    if (fields || own.constructorPrototype) return false;
    const { source, start, end } = own.declaration.range;
    if (NEEDS_CONTEXT.test(source.text.slice(start, end))) return false;
  }
  const authors = [...program.filesByName.values()].filter((file) => !file.internalName.startsWith("~lib/"));
  return !authors.some((file) => NEEDS_CONTEXT.test(file.source.text));
}
