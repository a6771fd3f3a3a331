import type { Clock } from "../clock";
import type { GrpcCaller } from "../context/grpc-caller";
import type { HttpCaller } from "../context/http-caller";
import { checkImports } from "../hostcalls/imports";
import type { Logger, TraceSink } from "../log";
import { SharedData } from "../stores/shared-data";
import { SharedQueues } from "../stores/shared-queues";
import type { StatsSink } from "../stores/stats";
import { compileModule } from "../vm/module";
import { Plugin } from "./plugin";
import type { PluginConfig } from "./plugin-config";
import { VmGroup, type VmSlot, vmKey } from "./vm-group";

export interface PluginRuntimeDeps {
  clock: Clock;
  log: Logger;
  stats: StatsSink;
  caller: HttpCaller;
  /** Absent: no cluster takes gRPC calls. */
  grpcCaller?: GrpcCaller;
  /** The bootstrap's node, for `xds.node`. */
  node: object;
  /** Worker threads; each gets an instance of every VM beside the main thread's. Default 1. */
  concurrency?: number;
  /** Receives the callbacks and hostcalls of every plugin. */
  trace?: TraceSink;
  /** Fills what guests ask random bytes for; absent = the machine's generator. */
  random?: (target: Uint8Array) => void;
}

interface LoadedVm {
  group: VmGroup;
  main: VmSlot;
  workers: VmSlot[];
}

/**
 * Loads plugins as Envoy does: a throw-away canary first, then an instance on the main thread and one per worker, shared by
 * all plugins with the same VM key.
 */
export class PluginRuntime {
  private readonly vms = new Map<string, LoadedVm>();
  private readonly plugins: Plugin[] = [];
  readonly sharedData = new SharedData();
  private readonly sharedQueues: SharedQueues;

  constructor(private readonly deps: PluginRuntimeDeps) {
    this.sharedQueues = new SharedQueues(deps.clock);
  }

  /** Throws ModuleError for a bad module and PluginConfigError when the guest refuses or traps. */
  async load(config: PluginConfig): Promise<Plugin> {
    const vm = await this.vm(config);
    const canary = vm.group.open();
    try {
      vm.group.root(canary, config);
    } finally {
      canary.dispose();
    }
    vm.group.root(vm.main, config);
    for (const worker of vm.workers) vm.group.root(worker, config);
    const plugin = new Plugin(
      config,
      vm.group,
      vm.workers[0]!,
      (slot) => vm.workers.splice(0, 1, slot),
      () => vm.workers[0]!,
    );
    this.plugins.push(plugin);
    return plugin;
  }

  private async vm(config: PluginConfig): Promise<LoadedVm> {
    const key = vmKey(config);
    const known = this.vms.get(key);
    if (known) return known;
    const compiled = await compileModule(new Uint8Array(config.module), config.moduleName, {
      readBeside: config.readBeside,
      allowed: (name) => config.allowedCapabilities?.has(name) ?? true,
    });
    checkImports(compiled);
    const { clock, log, caller, grpcCaller, stats, node, trace, random, concurrency = 1 } = this.deps;
    const group = new VmGroup(compiled, config, {
      clock,
      log,
      caller,
      grpcCaller,
      stats,
      node,
      trace,
      random,
      sharedData: this.sharedData,
      sharedQueues: this.sharedQueues,
    });
    // Envoy's base VM: it runs the start code, and is there to be cloned.
    group.open().dispose();
    const vm = {
      group,
      main: group.open(),
      workers: Array.from({ length: concurrency }, () => group.open()),
    };
    this.vms.set(key, vm);
    return vm;
  }

  /** Bytes of guest memory in all instances. */
  get memoryBytes(): number {
    const slots = [...this.vms.values()].flatMap(({ main, workers }) => [main, ...workers]);
    return slots.reduce((sum, { instance }) => sum + instance.vm.memory.byteLength, 0);
  }

  /** Shuts every root context down: on_done, on_delete, timers and calls ended. */
  close(): void {
    for (const { main, workers } of this.vms.values()) for (const slot of [main, ...workers]) slot.close();
    this.vms.clear();
  }
}
