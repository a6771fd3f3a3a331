import { LogLevel } from "../../sdk/abi/log-level";
import type { CallbackName } from "../abi/callbacks";
import type { Clock } from "../clock";
import { hostBug } from "../errors";
import type { Logger } from "../log";
import type { MetricTable } from "../stores/metrics";
import type { SharedData } from "../stores/shared-data";
import type { SharedQueues } from "../stores/shared-queues";
import type { CompiledModule } from "../vm/module";
import { type Callback, Vm } from "../vm/vm";
import { CallIds } from "./call-ids";
import type { Context } from "./context";
import { ContextTable } from "./context-table";
import type { GrpcCaller } from "./grpc-caller";
import type { HttpCaller } from "./http-caller";
import type { NameResolver } from "./name-resolver";

/** What an instance needs from the world around it. */
export interface InstanceDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly caller: HttpCaller;
  /** Absent: no cluster takes gRPC calls. */
  readonly grpcCaller?: GrpcCaller | undefined;
  readonly sharedData: SharedData;
  readonly sharedQueues: SharedQueues;
  readonly metrics: MetricTable;
  /** Absent: there is nobody to ask for addresses. */
  readonly names?: NameResolver | undefined;
  /** `vm_config.configuration`. */
  readonly vmConfiguration: Buffer;
  readonly vmId: string;
  /** WASI environment. */
  readonly environment: ReadonlyMap<string, string>;
  /** How long a callback may run, milliseconds; absent = for ever. */
  readonly maxCallbackMs?: number | undefined;
  /** Fills what the guest asks random bytes for; absent = the machine's generator. */
  readonly random?: ((target: Uint8Array) => void) | undefined;
}

const after = (id: number) => (id === 0xffffffff ? 1 : id + 1);

/** Asked for in a callback, to be done once it has returned. */
interface Deferred {
  /** The context it is about: the effective one, not the one whose callback ran. */
  owner: Context;
  action(): void;
}

/**
 * A VM with the contexts that live in it. Runs callbacks, knows whose turn it is, and carries out what a callback
 * asked for (continue, close, local response) once the callback has returned.
 */
export class Instance {
  readonly vm: Vm;
  private readonly contexts = new ContextTable();
  private nextId = 1;
  /** Envoy's first token is 2. */
  private nameToken = 1;
  readonly callIds = new CallIds();
  /** All ids have been given out once: the next may be taken. */
  private wrapped = false;
  private running: Context | undefined;
  private effective: Context | undefined;
  private readonly deferred: Deferred[] = [];
  private failureReported = false;
  /** What the guest logged last at level error or above, Latin-1. */
  lastComplaint: string | undefined;

  constructor(
    readonly compiled: CompiledModule,
    readonly deps: InstanceDeps,
  ) {
    this.vm = new Vm(compiled, deps.maxCallbackMs);
  }

  get failed(): boolean {
    return this.vm.failure !== undefined;
  }

  /** Number of contexts alive, roots included. */
  get contextCount(): number {
    return this.contexts.size;
  }

  /** Gives a context its id: u32 from 1, never reused while alive. */
  register(context: Context): number {
    if (this.wrapped) while (this.contexts.get(this.nextId)) this.nextId = after(this.nextId);
    const id = this.nextId;
    this.nextId = after(id);
    this.wrapped ||= this.nextId < id;
    this.contexts.set(id, context);
    return id;
  }

  nextNameToken(): number {
    this.nameToken = after(this.nameToken);
    return this.nameToken;
  }

  forget(context: Context): void {
    this.contexts.delete(context.id);
    if (this.effective === context) this.effective = undefined;
  }

  /** The context hostcalls act on: the effective one, or that of the running callback. */
  get current(): Context | undefined {
    return this.effective ?? this.running;
  }

  /** The context of the running callback, whatever was made effective. */
  get caller(): Context | undefined {
    return this.running;
  }

  /** 0 = back to the callback's own context. False for an unknown id. */
  setEffective(id: number): boolean {
    if (id === 0) {
      this.effective = undefined;
      return true;
    }
    const context = this.contexts.get(id);
    if (!context) return false;
    this.effective = context;
    return true;
  }

  /** Queues work for the moment the running callback returns; what breaks in it ends the stream of `owner`. */
  defer(owner: Context, action: () => void): void {
    this.deferred.push({ owner, action });
  }

  /**
   * Runs a callback for a context, then what it deferred. Undefined when the module has no such callback or
   * the VM is failed.
   */
  invoke(context: Context, callback: CallbackName, a = 0, b = 0, c = 0, d = 0): number | undefined {
    return this.run(context, this.vm.callbacks[callback], a, b, c, d);
  }

  /** {@link invoke} of a callback that has been looked up. */
  run(context: Context, callback: Callback | undefined, a = 0, b = 0, c = 0, d = 0): number | undefined {
    if (!callback) return undefined;
    const { vm, running, effective } = this;
    this.running = context;
    this.effective = undefined;
    const result = vm.call(callback, context.id, a, b, c, d);
    this.running = running;
    this.effective = effective;
    if (vm.failure) this.reportFailure(context);
    if (this.deferred.length > 0) this.runDeferred(callback.name);
    return vm.failure ? undefined : result;
  }

  private runDeferred(callback: CallbackName): void {
    for (let next = this.deferred.shift(); next; next = this.deferred.shift()) {
      const { owner, action } = next;
      try {
        action();
      } catch (error) {
        const text = hostBug(`what context ${owner.id} asked for in ${callback}`, error);
        this.deps.log.log("wasm", LogLevel.Critical, "host/context/instance.ts", text);
        owner.breakStream();
      }
    }
  }

  /** One entry per failed VM, in Envoy's form: the trap, who and where, the guest's stack. */
  reportFailure(context: Context | undefined): void {
    const { failure } = this.vm;
    if (this.failureReported || !failure) return;
    this.failureReported = true;
    const lines = [failure.message, `  ${this.whereabouts(context)}`];
    if (failure.backtrace.length > 0) lines.push("Proxy-Wasm plugin in-VM backtrace:", ...failure.backtrace);
    this.deps.log.log("wasm", LogLevel.Error, "host/context/instance.ts", lines.join("\n"));
  }

  private whereabouts(context: Context | undefined): string {
    const module = `module ${this.compiled.name}`;
    if (!context) return `start code, ${module}`;
    const { name, rootId } = context.root.plugin;
    return `plugin "${name}", root_id "${rootId}", ${module}, context ${context.id}`;
  }
}
