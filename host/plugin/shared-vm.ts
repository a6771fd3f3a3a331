import { LogLevel } from "../../sdk/abi/log-level";
import type { RootContext } from "../context/root-context";
import type { Logger } from "../log";
import type { PluginConfig } from "./plugin-config";
import { pluginKey, type VmGroup, type VmSlot } from "./vm-group";

/** All instances of one VM key, for the plugins that share it: the main thread's and one per worker. */
export class SharedVm {
  private readonly main: VmSlot;
  /** Opened when there is something for them to do: singletons need none. */
  private readonly workers: VmSlot[] = [];
  /** Plugins a canary has accepted, by key. */
  private readonly accepted = new Set<string>();

  constructor(
    private readonly group: VmGroup,
    readonly concurrency: number,
    private readonly log: Logger,
  ) {
    // Envoy's base VM: it runs the start code, and is there to be cloned.
    group.open().dispose();
    this.main = group.open();
  }

  /** A throw-away canary first, once for each plugin; then the main thread's root. Throws PluginConfigError. */
  startOnMain(config: PluginConfig): void {
    const key = pluginKey(config);
    if (!this.accepted.has(key)) {
      const canary = this.group.open();
      try {
        this.group.root(canary, config);
      } finally {
        canary.dispose();
      }
      this.accepted.add(key);
    }
    this.group.root(this.main, config);
  }

  /**
   * The roots of a plugin on the worker threads, by thread. Where a worker refuses what the canary and the main thread have
   * accepted there is none.
   */
  startOnWorkers(config: PluginConfig): (RootContext | undefined)[] {
    return Array.from({ length: this.concurrency }, (_, thread) => this.startOnWorker(thread, config));
  }

  /** The root of a plugin on one worker, in a fresh instance if that thread's has failed. */
  startOnWorker(thread: number, config: PluginConfig): RootContext | undefined {
    try {
      const slot = this.workers[thread];
      const live = slot && !slot.instance.failed ? slot : this.group.open();
      if (live !== slot) slot?.dispose();
      this.workers[thread] = live;
      return this.group.root(live, config);
    } catch (error) {
      const text = `out of service on worker ${thread}: ${(error as Error).message}`;
      this.log.log("wasm", LogLevel.Error, "host/plugin/shared-vm.ts", text);
      return undefined;
    }
  }

  /** A plugin that nobody uses any more: each of its roots goes when the last of its streams is gone. */
  retire(config: PluginConfig): void {
    const key = pluginKey(config);
    this.accepted.delete(key);
    for (const slot of this.slots) slot.retire(key);
  }

  private get slots(): VmSlot[] {
    return [this.main, ...this.workers];
  }

  /** Nothing lives in it any more. */
  get idle(): boolean {
    return this.slots.every((slot) => slot.idle);
  }

  /** Bytes of guest memory in all instances. */
  get memoryBytes(): number {
    return this.slots.reduce((sum, { instance }) => sum + instance.vm.memory.byteLength, 0);
  }

  /** Shuts every root context down: on_done, on_delete, timers and calls ended. */
  close(): void {
    for (const slot of this.slots) slot.close();
  }
}
