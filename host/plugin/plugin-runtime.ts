import type { Clock } from "../clock";
import type { GrpcCaller } from "../context/grpc-caller";
import type { HttpCaller } from "../context/http-caller";
import type { NameResolver } from "../context/name-resolver";
import { checkImports } from "../hostcalls/imports";
import type { Logger, TraceSink } from "../log";
import { SharedData } from "../stores/shared-data";
import { SharedQueues } from "../stores/shared-queues";
import type { StatsSink } from "../stores/stats";
import { compileModule } from "../vm/module";
import { Plugin } from "./plugin";
import type { PluginConfig } from "./plugin-config";
import { SharedVm } from "./shared-vm";
import { pluginKey, VmGroup, vmKey } from "./vm-group";

export interface PluginRuntimeDeps {
  clock: Clock;
  log: Logger;
  stats: StatsSink;
  caller: HttpCaller;
  /** Absent: no cluster takes gRPC calls. */
  grpcCaller?: GrpcCaller;
  /** Absent: guests cannot ask for addresses of hosts. */
  names?: NameResolver | undefined;
  /** The bootstrap's node, for `xds.node`. */
  node: object;
  /** Worker threads; each gets an instance of every VM beside the main thread's. Default 1. */
  concurrency?: number;
  /** Receives the callbacks and hostcalls of every plugin. */
  trace?: TraceSink;
  /** Fills what guests ask random bytes for; absent = the machine's generator. */
  random?: (target: Uint8Array) => void;
  /** How long a callback may run, milliseconds; absent = for ever. */
  maxCallbackMs?: number | undefined;
  /** Does another thread get in between a guest's read of shared data and its write? Default never. */
  interferes?: (() => boolean) | undefined;
  /** From 0 to below 1: how far a back-off is drawn out. Default `Math.random`. */
  jitter?: () => number;
}

/** A configuration that a canary and the main thread have accepted: put it in a plugin's place, or drop it. */
export interface PreparedUpdate {
  carryOut(plugin: Plugin): void;
  drop(): void;
}

/** Whether an update from one to the other would change nothing. */
export function isSamePlugin(a: PluginConfig, b: PluginConfig): boolean {
  const { failurePolicy, reloadBackoffMs, allowOnHeadersStopIteration } = a;
  return (
    pluginKey(a) === pluginKey(b) &&
    vmKey(a) === vmKey(b) &&
    failurePolicy === b.failurePolicy &&
    reloadBackoffMs === b.reloadBackoffMs &&
    allowOnHeadersStopIteration === b.allowOnHeadersStopIteration
  );
}

/**
 * Loads plugins as Envoy does: a throw-away canary first, then an instance on the main thread and one per worker, shared by
 * all plugins with the same VM key.
 */
export class PluginRuntime {
  private readonly vms = new Map<string, SharedVm>();
  private readonly plugins: Plugin[] = [];
  /** What worker threads have to start with; undefined once they run. */
  private waiting: (() => void)[] | undefined = [];
  readonly sharedData: SharedData;
  private readonly sharedQueues: SharedQueues;

  constructor(private readonly deps: PluginRuntimeDeps) {
    this.sharedData = new SharedData(deps.interferes);
    this.sharedQueues = new SharedQueues(deps.clock);
  }

  /**
   * Throws ModuleError for a bad module and PluginConfigError when the guest refuses or traps. The plugin serves streams
   * from {@link startWorkers} on.
   */
  async load(config: PluginConfig): Promise<Plugin> {
    const vm = await this.vm(config);
    vm.startOnMain(config);
    const { clock, jitter = Math.random } = this.deps;
    const plugin = new Plugin(config, vm, clock, jitter);
    this.plugins.push(plugin);
    this.onWorkers(() => plugin.start());
    return plugin;
  }

  /** A plugin that serves no listener; a singleton runs on the main thread alone. Throws as {@link load}. */
  async loadService(config: PluginConfig, singleton: boolean): Promise<void> {
    const vm = await this.vm(config);
    vm.startOnMain(config);
    if (!singleton) this.onWorkers(() => vm.startOnWorkers(config));
  }

  /**
   * Puts another configuration in a plugin's place, as an update through xDS does: a canary tries it, then each instance gets
   * a new root, the same instance if the VM's key is the same. The old roots go when their last stream has ended.
   * Throws as {@link load}; the plugin then serves on as it was.
   */
  async update(plugin: Plugin, config: PluginConfig): Promise<void> {
    (await this.prepare(config)).carryOut(plugin);
  }

  /** Takes a plugin out; its roots go when the last of their streams has ended, unless another plugin has the same. */
  unload(plugin: Plugin): void {
    const at = this.plugins.indexOf(plugin);
    if (at < 0) return;
    this.plugins.splice(at, 1);
    this.release(plugin.config, plugin.vm);
  }

  /** The first half of {@link update}: after it nothing can refuse, and nothing has changed yet. */
  async prepare(config: PluginConfig): Promise<PreparedUpdate> {
    try {
      const vm = await this.vm(config);
      vm.startOnMain(config);
      return {
        carryOut: (plugin) => {
          const { config: oldConfig, vm: oldVm } = plugin;
          plugin.replace(config, vm);
          this.release(oldConfig, oldVm);
        },
        drop: () => this.release(config, vm),
      };
    } catch (error) {
      this.dropIdle();
      throw error;
    }
  }

  /** A configuration goes when no plugin has it any more. */
  private release(config: PluginConfig, vm: SharedVm): void {
    const key = pluginKey(config);
    if (!this.plugins.some((p) => p.vm === vm && pluginKey(p.config) === key)) vm.retire(config);
    this.dropIdle();
  }

  private dropIdle(): void {
    for (const [key, { idle }] of this.vms) if (idle) this.vms.delete(key);
  }

  /** Worker threads start once everything is loaded; what is loaded later goes to them at once. */
  startWorkers(): void {
    const { waiting } = this;
    this.waiting = undefined;
    for (const start of waiting ?? []) start();
  }

  private onWorkers(start: () => void): void {
    if (this.waiting) this.waiting.push(start);
    else start();
  }

  private async vm(config: PluginConfig): Promise<SharedVm> {
    const key = vmKey(config);
    const known = this.vms.get(key);
    if (known) return known;
    const compiled = await compileModule(new Uint8Array(config.module), config.moduleName, {
      readBeside: config.readBeside,
      allowed: (name) => config.allowedCapabilities?.has(name) ?? true,
      checked: this.deps.maxCallbackMs !== undefined,
    });
    checkImports(compiled);
    const { clock, log, caller, grpcCaller, stats, node, trace, random, concurrency = 1 } = this.deps;
    const { names } = this.deps;
    const { sharedData, sharedQueues } = this;
    const { maxCallbackMs } = this.deps;
    const deps = {
      clock,
      log,
      caller,
      grpcCaller,
      names,
      stats,
      node,
      trace,
      random,
      maxCallbackMs,
      sharedData,
      sharedQueues,
    };
    const vm = new SharedVm(new VmGroup(compiled, config, deps), concurrency, log);
    this.vms.set(key, vm);
    return vm;
  }

  /** Bytes of guest memory in all instances. */
  get memoryBytes(): number {
    return [...this.vms.values()].reduce((sum, vm) => sum + vm.memoryBytes, 0);
  }

  /** Shuts every root context down: on_done, on_delete, timers and calls ended. */
  close(): void {
    for (const vm of this.vms.values()) vm.close();
    this.vms.clear();
  }
}
