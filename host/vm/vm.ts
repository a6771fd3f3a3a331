import { CALLBACKS, type CallbackName } from "../abi/callbacks";
import { ModuleError, VmTrapError } from "../errors";
import { backtrace, COLLECTED_FRAMES } from "./backtrace";
import { GuestMemory } from "./memory";
import type { CompiledModule } from "./module";
import { TimeLimit } from "./time-limit";

/** What a guest may call at the moment: everything, the start-up list, the allocator's short list, or nothing. */
export enum Mode {
  Running = 0,
  Starting = 1,
  Allocating = 2,
  /** The module's start section runs; Envoy crashes at any hostcall there. */
  Linking = 3,
}

/** Characters of a guest's last words that go into an error message. */
const MAX_WORDS = 500;

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}...` : line;
}

const NAMES = Object.keys(CALLBACKS) as CallbackName[];

type Fn = (...args: number[]) => number | undefined;

/** A callback of one instance. */
export interface Callback {
  readonly name: CallbackName;
  readonly run: Fn;
}

type Callbacks = Record<CallbackName, Callback | undefined>;

/** Every name has its place from the start: who asks for one by its name finds it at once. */
function noCallbacks(): Callbacks {
  return Object.fromEntries(NAMES.map((name) => [name, undefined])) as Callbacks;
}

/** What becomes of a module's callbacks as it is linked. */
export interface CallbackRules {
  /** A forbidden callback counts as not exported. */
  allowed(callback: string): boolean;
  /** May put a function of its own around a callback. */
  wrap(callback: CallbackName, run: unknown): unknown;
}

/** One instance of a module. After a trap it is failed for good and nothing is called into it any more. */
export class Vm {
  mode: Mode = Mode.Linking;
  /** The trap that ended this instance. */
  failure: VmTrapError | undefined;
  /** The last critical line of the callback that runs: what guests say before they give up. */
  lastWords: string | undefined;
  memory!: GuestMemory;
  private exports!: Record<string, unknown>;
  /** Those that the module exports and that may be called. */
  readonly callbacks = noCallbacks();
  private allocator!: Fn;
  private readonly limit: TimeLimit | undefined;

  constructor(
    readonly compiled: CompiledModule,
    /** How long a callback may run, milliseconds, if there are checks in the module; absent = for ever. */
    maxCallbackMs?: number,
  ) {
    if (compiled.checked && maxCallbackMs !== undefined) this.limit = new TimeLimit(maxCallbackMs);
  }

  /**
   * Links, instantiates and runs `_initialize` (then `main`) or `_start`.
   * Throws {@link ModuleError} on a link error and {@link VmTrapError} when the start code traps.
   */
  start(imports: WebAssembly.Imports, callbacks: CallbackRules): void {
    const { module, name, allocator } = this.compiled;
    let instance: WebAssembly.Instance;
    try {
      instance = new WebAssembly.Instance(module, imports);
    } catch (error) {
      throw new ModuleError(`${name}: cannot be instantiated: ${(error as Error).message}`, { cause: error });
    }
    this.mode = Mode.Starting;
    this.exports = instance.exports;
    this.limit?.watch(instance.exports);
    this.checkGlobals();
    this.memory = new GuestMemory(this.findMemory(imports));
    this.allocator = this.exports[allocator] as Fn;
    for (const callback of NAMES) {
      const fn = this.exports[callback];
      if (typeof fn === "function" && callbacks.allowed(callback))
        this.callbacks[callback] = { name: callback, run: callbacks.wrap(callback, fn) as Fn };
    }
    this.runStartCode();
    this.mode = Mode.Running;
  }

  /** JavaScript cannot read a global of a type that ends Envoy: v128, exnref. */
  private checkGlobals(): void {
    for (const [name, value] of Object.entries(this.exports)) {
      if (!(value instanceof WebAssembly.Global)) continue;
      try {
        void value.value;
      } catch {
        throw new ModuleError(
          `${this.compiled.name}: export ${name} is a global of a type that cannot cross a proxy-wasm border`,
        );
      }
    }
  }

  /** A module without a memory works as far as it needs none. */
  private findMemory(imports: WebAssembly.Imports): WebAssembly.Memory {
    const { memoryExport, memoryImport } = this.compiled.shape;
    if (memoryExport !== undefined) return this.exports[memoryExport] as WebAssembly.Memory;
    if (memoryImport) return imports[memoryImport.module]![memoryImport.name] as WebAssembly.Memory;
    return new WebAssembly.Memory({ initial: 0 });
  }

  private runStartCode(): void {
    const run = (name: string, ...args: number[]) => {
      const fn = this.exports[name];
      if (typeof fn !== "function" || this.failure) return false;
      this.guard(name, fn as Fn, args);
      return true;
    };
    if (run("_initialize")) run("main", 0, 0) || run("__main_void");
    else run("_start");
    if (this.failure) throw this.failure;
  }

  /** Does the module export this callback, and may it be called? */
  has(callback: CallbackName): boolean {
    return this.callbacks[callback] !== undefined;
  }

  /** Calls a callback; undefined when it traps (then {@link failure} is set) or something has trapped before. */
  call({ name, run }: Callback, a: number, b: number, c: number, d: number, e: number): number | undefined {
    if (this.failure) return undefined;
    this.lastWords = undefined;
    const frames = Error.stackTraceLimit;
    Error.stackTraceLimit = COLLECTED_FRAMES;
    try {
      this.limit?.begin();
      return run(a, b, c, d, e) ?? 0;
    } catch (error) {
      this.fail(name, error);
      return undefined;
    } finally {
      Error.stackTraceLimit = frames;
    }
  }

  /** Asks the guest for `size` bytes; 0 when it has none or traps. */
  allocate(size: number): number {
    if (this.failure) return 0;
    const before = this.mode;
    this.mode = Mode.Allocating;
    try {
      return this.allocator(size)! >>> 0;
    } catch (error) {
      this.fail(this.compiled.allocator, error);
      return 0;
    } finally {
      this.mode = before;
    }
  }

  private guard(name: string, fn: Fn, args: number[]): number | undefined {
    const frames = Error.stackTraceLimit;
    Error.stackTraceLimit = COLLECTED_FRAMES;
    try {
      this.limit?.begin();
      return fn(...args);
    } catch (error) {
      this.fail(name, error);
      return undefined;
    } finally {
      Error.stackTraceLimit = frames;
    }
  }

  private fail(callback: string, error: unknown): void {
    if (this.failure) return;
    const words = this.lastWords === undefined ? "" : `: ${oneLine(this.lastWords)}`;
    const cause = this.limit?.passed
      ? `Error: ran for longer than ${this.limit.ms} ms (--max-callback-ms)`
      : error;
    const message = `Function: ${callback} failed: Uncaught ${cause}${words}`;
    this.failure = new VmTrapError(callback, message, backtrace(error, this.compiled.debug), {
      cause: error,
    });
  }
}
