import { CALLBACKS, type CallbackRow } from "../abi/callbacks";
import { ALLOCATOR_TYPE, ALLOCATORS, COMMAND, REACTOR } from "../abi/exports";
import { wasmParams } from "../abi/signature";
import { type AbiVersion, detectVersion, inVersion } from "../abi/version";
import { ModuleError } from "../errors";
import { DebugInfo, type ReadBeside } from "./debug-info";
import { Edits } from "./edits";
import { inspectModule, type ModuleShape } from "./inspect";
import { capMemory, checkMemoryImport } from "./memory-limit";
import { type FunctionType, functionType, uncrossable } from "./wasm-types";

/** A compiled module whose exports have been checked; imports are checked when it is linked. */
export interface CompiledModule {
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly shape: ModuleShape;
  readonly version: AbiVersion;
  /** `malloc` wins over `proxy_on_memory_allocate`, as in Envoy. */
  readonly allocator: string;
  /** There are checks in its loops, for a {@link TimeLimit}. */
  readonly checked: boolean;
  readonly debug: DebugInfo;
}

function callbackType(row: CallbackRow, version: AbiVersion): string {
  const params = version === "0.1.0" && row.params010 ? row.params010 : row.params;
  return functionType(wasmParams({ params }), row.result ? ["i32"] : []);
}

/** Types of all exports that are looked up; callbacks that are not allowed are not. */
function wantedTypes(shape: ModuleShape, version: AbiVersion, allowed: Allowed): Map<string, FunctionType> {
  const reactor = shape.exports.some(({ name }) => name === "_initialize");
  const wanted = new Map<string, FunctionType>(Object.entries(reactor ? REACTOR : COMMAND));
  for (const [name, row] of Object.entries<CallbackRow>(CALLBACKS))
    if (inVersion(version, row) && allowed(name)) wanted.set(name, callbackType(row, version));
  return wanted;
}

function checkExports(shape: ModuleShape, version: AbiVersion, allowed: Allowed): string {
  const wanted = wantedTypes(shape, version, allowed);
  const allocator = ALLOCATORS.find((a) => shape.exports.some(({ name }) => name === a));
  if (!allocator)
    throw new ModuleError(
      "exports neither proxy_on_memory_allocate nor malloc, the host cannot pass data to it",
    );
  wanted.set(allocator, ALLOCATOR_TYPE);
  for (const { name, type } of shape.exports) {
    const right = wanted.get(name);
    if (right !== undefined && type !== right)
      throw new ModuleError(`export ${name} has type ${type}, ABI ${version} wants ${right}`);
    const value = uncrossable(type);
    if (value !== undefined)
      throw new ModuleError(
        `export ${name} has type ${type}: values of type ${value} cannot cross a proxy-wasm border`,
      );
  }
  const [tag] = shape.tags;
  if (tag !== undefined)
    throw new ModuleError(`exports exception tag ${tag}, which no proxy-wasm host takes`);
  return allocator;
}

type Allowed = (name: string) => boolean;

export interface CompileOptions {
  /** Finds the module's source map. */
  readBeside?: ReadBeside | undefined;
  /** Capabilities: of callbacks that are not allowed not even the type is looked at. */
  allowed?: Allowed | undefined;
  /** Puts checks into the loops, which a limit of time needs. Default false. */
  checked?: boolean | undefined;
}

/** Compiles a module and checks what it exports. Throws {@link ModuleError}. */
export async function compileModule(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  { readBeside, allowed = () => true, checked = false }: CompileOptions = {},
): Promise<CompiledModule> {
  try {
    const shape = inspectModule(bytes);
    const version = detectVersion(shape.exports.map((e) => e.name));
    if (!version)
      throw new ModuleError(
        "not a proxy-wasm module: no export names a known ABI version (proxy_abi_version_0_2_1, _0_2_0 or _0_1_0)",
      );
    const allocator = checkExports(shape, version, allowed);
    checkMemoryImport(shape.memoryImport);
    const edits = new Edits();
    capMemory(bytes, edits);
    // What is wrong with a module is told of the module as it came.
    if (checked && WebAssembly.validate(bytes)) (await loopChecks()).addLoopChecks(bytes, shape, edits);
    const module = await compiled(edits.apply(bytes));
    const debug = new DebugInfo(bytes, name, shape.imports.length, readBeside, (at) => edits.original(at));
    return { name, module, shape, version, allocator, checked, debug };
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    throw new ModuleError(`${name}: ${error.message}`, { cause: error.cause ?? error });
  }
}

/** Loaded when wanted: few need a reader of all instructions. */
const loopChecks = () => import("./loop-checks");

async function compiled(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new ModuleError(`does not compile: ${(error as Error).message}`, { cause: error });
  }
}
