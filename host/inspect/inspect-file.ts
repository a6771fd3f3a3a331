import { CALLBACKS } from "../abi/callbacks";
import { ALLOCATORS, COMMAND, REACTOR } from "../abi/exports";
import { type AbiVersion, detectVersion } from "../abi/version";
import { WASI_MODULES } from "../abi/wasi";
import { ModuleError } from "../errors";
import { importProblems } from "../hostcalls/imports";
import { inspectModule } from "../vm/inspect";
import { compileModule } from "../vm/module";
import { usedFeatures } from "./features";
import { functionSizes, type Sized, sectionSizes } from "./sizes";

/** What can be said of a module without running it. */
export interface ModuleReport {
  bytes: number;
  abi: AbiVersion | undefined;
  /** What keeps a host from running it; empty = it can be loaded. */
  problems: string[];
  hostcalls: string[];
  wasi: string[];
  otherImports: string[];
  callbacks: string[];
  /** Allocator and start code. */
  lifecycle: string[];
  otherExports: string[];
  features: string[];
  sections: Sized[];
  /** Largest first. */
  functions: Sized[];
  /** The least a plugin with this module must be allowed: `capability_restriction_config.allowed_capabilities`. */
  capabilities: string[];
}

/**
 * Reads a module as a host would before it starts it.
 * @throws ModuleError when it is no wasm
 */
export async function inspectBytes(bytes: Uint8Array<ArrayBuffer>): Promise<ModuleReport> {
  const shape = inspectModule(bytes);
  const exported = shape.exports.map(({ name }) => name);
  const abi = detectVersion(exported);
  const of = (names: readonly string[]) => exported.filter((name) => names.includes(name));
  const isHostcall = ({ module, name }: { module: string; name: string }) =>
    module === "env" && name.startsWith("proxy_");
  const isWasi = ({ module }: { module: string }) => (WASI_MODULES as readonly string[]).includes(module);
  const callbacks = of(Object.keys(CALLBACKS));
  const lifecycle = of([...ALLOCATORS, ...Object.keys(REACTOR), ...Object.keys(COMMAND)]);
  const known = new Set([...callbacks, ...lifecycle]);
  const hostcalls = shape.imports.filter(isHostcall).map(({ name }) => name);
  const wasi = shape.imports.filter(isWasi).map(({ name }) => name);
  return {
    bytes: bytes.length,
    abi,
    problems: [
      ...(await loadProblems(bytes)),
      ...(abi ? importProblems({ shape, version: abi }).map((problem) => `import ${problem}`) : []),
    ],
    hostcalls,
    wasi,
    otherImports: shape.imports
      .filter((each) => !isHostcall(each) && !isWasi(each))
      .map(({ module, name }) => `${module}.${name}`),
    callbacks,
    lifecycle,
    otherExports: exported.filter((name) => !known.has(name)),
    features: await usedFeatures(bytes),
    sections: sectionSizes(bytes),
    functions: functionSizes(bytes, shape.imports.length),
    capabilities: [...hostcalls, ...wasi, ...callbacks],
  };
}

async function loadProblems(bytes: Uint8Array<ArrayBuffer>): Promise<string[]> {
  try {
    await compileModule(bytes, "module");
    return [];
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    return [error.message.replace(/^module: /, "")];
  }
}
