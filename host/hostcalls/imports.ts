import { LogLevel } from "../../sdk/abi/log-level";
import { Status } from "../../sdk/abi/status";
import { HOSTCALLS, type HostcallName, type Hostcalls } from "../abi/hostcalls";
import { type SignatureRow, wasmParams } from "../abi/signature";
import { TOLERATED } from "../abi/tolerated";
import { type AbiVersion, inVersion } from "../abi/version";
import { Errno, WASI, WASI_MODULES, type WasiName } from "../abi/wasi";
import type { Instance } from "../context/instance";
import { hostBug, ModuleError } from "../errors";
import { capped } from "../vm/memory-limit";
import type { CompiledModule } from "../vm/module";
import { Mode } from "../vm/vm";
import { functionType } from "../vm/wasm-types";
import { buffers } from "./buffers";
import { published } from "./call-channel";
import { contexts } from "./contexts";
import { HostcallEnv } from "./env";
import { foreignFunctions } from "./foreign-functions";
import { grpc } from "./grpc";
import { headers } from "./headers";
import { httpCalls } from "./http-calls";
import { logging } from "./logging";
import { metrics } from "./metrics";
import { names } from "./names";
import { properties } from "./properties";
import { sharedData } from "./shared-data";
import { sharedQueues } from "./shared-queues";
import { legalIn } from "./start-rules";
import { streams } from "./streams";
import type { Tracer } from "./trace";
import { wasi } from "./wasi";

type Fn = (...args: never[]) => number;

function hostcalls(env: HostcallEnv): Hostcalls {
  return {
    ...logging(env),
    ...contexts(env),
    ...buffers(env),
    ...headers(env),
    ...streams(env),
    ...httpCalls(env),
    ...grpc(env),
    ...sharedData(env),
    ...sharedQueues(env),
    ...metrics(env),
    ...properties(env),
    ...foreignFunctions(env),
    ...names(env),
  };
}

const tolerated: Readonly<Record<keyof typeof TOLERATED, Fn>> = {
  emscripten_notify_memory_growth: () => 0,
  pthread_equal: (a: number, b: number) => (a === b ? 1 : 0),
};

const WASI_LETTERS: Readonly<Record<string, string>> = { i: "i32", l: "i64" };

function wasiType(name: WasiName): string {
  const params = [...WASI[name]].map((letter) => WASI_LETTERS[letter]!);
  return functionType(params, name === "proc_exit" ? [] : ["i32"]);
}

/** The type a host function has in `version`, or undefined when Envoy has no such function. */
function importType(module: string, name: string, version: AbiVersion): string | undefined {
  if (module === "env") {
    if (Object.hasOwn(TOLERATED, name)) return TOLERATED[name as keyof typeof TOLERATED];
    const row: SignatureRow | undefined = Object.hasOwn(HOSTCALLS, name)
      ? HOSTCALLS[name as HostcallName]
      : undefined;
    return row && inVersion(version, row) ? functionType(wasmParams(row), ["i32"]) : undefined;
  }
  const isWasi = (WASI_MODULES as readonly string[]).includes(module) && Object.hasOwn(WASI, name);
  return isWasi ? wasiType(name as WasiName) : undefined;
}

/** What is wrong with a module's imports: every one must be one Envoy has, with exactly its type. */
export function importProblems({ shape, version }: Pick<CompiledModule, "shape" | "version">): string[] {
  return shape.imports.flatMap((i) => {
    const wanted = importType(i.module, i.name, version);
    if (wanted === undefined) return [`${i.module}.${i.name} does not exist in ABI ${version}`];
    return wanted === i.type ? [] : [`${i.module}.${i.name} has type ${i.type}, the host's is ${wanted}`];
  });
}

/** Throws {@link ModuleError} naming every import that cannot be linked. */
export function checkImports(module: CompiledModule): void {
  const { name } = module;
  const wrong = importProblems(module);
  if (wrong.length > 0) throw new ModuleError(`${name}: cannot be linked: ${wrong.join("; ")}`);
}

/** Wraps one host function with what holds for all of them: start-up rules, capabilities, and host bugs that stay in the host. */
function guarded(instance: Instance, name: string, run: Fn, forbidden: number | undefined): Fn {
  const { vm, deps } = instance;
  const call = run as (...args: unknown[]) => number;
  const report = (level: LogLevel, text: string) =>
    deps.log.log("wasm", level, "host/hostcalls/imports.ts", text);
  if (forbidden !== undefined) {
    const kind = forbidden === Errno.NotCapable ? "WASI" : "proxy-wasm";
    return () => {
      report(LogLevel.Error, `Attempted call to restricted ${kind} capability: ${name}`);
      return forbidden;
    };
  }
  return (...args: unknown[]) => {
    if (vm.mode !== Mode.Running && !legalIn(vm.mode, name))
      throw new Error(`restricted_callback: ${name} may not be called here`);
    try {
      return call(...args);
    } catch (error) {
      report(LogLevel.Critical, hostBug(name, error));
      instance.current?.breakStream();
      return Status.InternalFailure;
    }
  };
}

/** The import object of one instance, made from the table. `allowed` undefined = everything. */
export function buildImports(
  instance: Instance,
  allowed: ReadonlySet<string> | undefined,
  tracer?: Tracer,
): WebAssembly.Imports {
  const env = new HostcallEnv(instance);
  const forbidden = (name: string, status: number) => (allowed && !allowed.has(name) ? status : undefined);
  const proxy: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(hostcalls(env)) as [HostcallName, Fn][]) {
    // Capabilities know nothing of what is Envoy's own.
    const status = name.startsWith("proxy_") ? forbidden(name, Status.InternalFailure) : undefined;
    const fn = guarded(instance, name, run, status);
    proxy[name] = published(instance, name, tracer?.hostcall(name, fn) ?? fn);
  }
  for (const [name, run] of Object.entries(tolerated)) proxy[name] = guarded(instance, name, run, undefined);
  const system: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(wasi(env)) as [WasiName, Fn][]) {
    const fn = guarded(instance, name, run, forbidden(name, Errno.NotCapable));
    system[name] = published(instance, name, tracer?.wasi(name, fn) ?? fn);
  }
  const imports = Object.fromEntries([["env", proxy], ...WASI_MODULES.map((module) => [module, system])]);
  addMemories(imports, instance.compiled);
  return imports;
}

/** Memory and tables a module wants from the host are its own, whatever it calls them. */
function addMemories(imports: WebAssembly.Imports, { shape }: CompiledModule): void {
  const add = (module: string, field: string, value: unknown) => {
    imports[module] = { ...imports[module], [field]: value };
  };
  const { memoryImport } = shape;
  if (memoryImport) {
    const { initial, maximum } = capped(memoryImport);
    add(memoryImport.module, memoryImport.name, new WebAssembly.Memory({ initial, maximum }));
  }
  for (const { module, name: field, element, initial, maximum } of shape.tableImports)
    add(
      module,
      field,
      new WebAssembly.Table({ element, initial, ...(maximum !== undefined && { maximum }) }),
    );
}
