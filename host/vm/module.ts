import { CALLBACKS, type CallbackName, type CallbackRow } from "../abi/callbacks";
import { wasmParams } from "../abi/signature";
import { type AbiVersion, detectVersion, inVersion } from "../abi/version";
import { ModuleError } from "../errors";
import { DebugInfo, type ReadBeside } from "./debug-info";
import { functionType, inspectModule, type ModuleShape } from "./inspect";

/** A compiled module whose exports have been checked; imports are checked when it is linked. */
export interface CompiledModule {
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly shape: ModuleShape;
  readonly version: AbiVersion;
  /** `malloc` wins over `proxy_on_memory_allocate`, as in Envoy. */
  readonly allocator: string;
  readonly debug: DebugInfo;
}

const ALLOCATORS = ["malloc", "proxy_on_memory_allocate"];

function callbackType(row: CallbackRow, version: AbiVersion): string {
  const params = version === "0.1.0" && row.params010 ? row.params010 : row.params;
  return functionType(wasmParams({ params }), row.result ? ["i32"] : []);
}

function checkExports(name: string, shape: ModuleShape, version: AbiVersion): string {
  const types = new Map(shape.exports.map((e) => [e.name, e.type]));
  for (const [callback, row] of Object.entries(CALLBACKS) as [CallbackName, CallbackRow][]) {
    const type = types.get(callback);
    if (type === undefined || !inVersion(version, row)) continue;
    const wanted = callbackType(row, version);
    if (type !== wanted)
      throw new ModuleError(`${name}: export ${callback} has type ${type}, ABI ${version} wants ${wanted}`);
  }
  const allocator = ALLOCATORS.find((a) => types.has(a));
  if (!allocator)
    throw new ModuleError(
      `${name}: exports neither proxy_on_memory_allocate nor malloc, the host cannot pass data to it`,
    );
  if (types.get(allocator) !== "(i32)->(i32)")
    throw new ModuleError(
      `${name}: export ${allocator} has type ${types.get(allocator)}, wanted (i32)->(i32)`,
    );
  if (!shape.memoryExport && !shape.importsMemory) throw new ModuleError(`${name}: has no memory`);
  return allocator;
}

/** Compiles a module and checks what it exports. `readBeside` finds its source map. Throws {@link ModuleError}. */
export async function compileModule(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  readBeside?: ReadBeside,
): Promise<CompiledModule> {
  const shape = inspectModule(bytes);
  const version = detectVersion(shape.exports.map((e) => e.name));
  if (!version)
    throw new ModuleError(
      `${name}: not a proxy-wasm module: no export names a known ABI version (proxy_abi_version_0_2_1, _0_2_0 or _0_1_0)`,
    );
  const allocator = checkExports(name, shape, version);
  try {
    const debug = new DebugInfo(bytes, name, shape.imports.length, readBeside);
    return { name, module: await WebAssembly.compile(bytes), shape, version, allocator, debug };
  } catch (error) {
    throw new ModuleError(`${name}: does not compile: ${(error as Error).message}`, { cause: error });
  }
}
