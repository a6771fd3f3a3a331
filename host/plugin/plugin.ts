import type { Clock } from "../clock";
import type { RootContext } from "../context/root-context";
import type { AccessLogger } from "../stream/access-logger";
import type { FilterFactory } from "../stream/filter";
import type { NetworkFilterFactory } from "../stream/network-filter";
import type { PluginConfig } from "./plugin-config";
import { type PluginHome, PluginThread } from "./plugin-thread";
import type { SharedVm } from "./shared-vm";

/** A loaded plugin, on every worker thread. The Node proxy serves all its streams on the first, whose factories it shows. */
export class Plugin implements PluginHome {
  /** There is one at least. */
  readonly threads: readonly [PluginThread, ...PluginThread[]];

  constructor(
    public config: PluginConfig,
    public vm: SharedVm,
    readonly clock: Clock,
    readonly jitter: () => number,
  ) {
    const others = Array.from({ length: vm.concurrency - 1 }, (_, i) => new PluginThread(this, i + 1));
    this.threads = [new PluginThread(this, 0), ...others];
  }

  get factory(): FilterFactory {
    return this.threads[0].factory;
  }

  get networkFactory(): NetworkFilterFactory {
    return this.threads[0].networkFactory;
  }

  get accessLogger(): AccessLogger {
    return this.threads[0].accessLogger;
  }

  /** The worker threads are there. */
  start(): void {
    const roots = this.vm.startOnWorkers(this.config);
    for (const [i, thread] of this.threads.entries()) thread.serve(roots[i]);
  }

  startOn(thread: number): RootContext | undefined {
    return this.vm.startOnWorker(thread, this.config);
  }

  /** New streams get the roots of another configuration. */
  replace(config: PluginConfig, vm: SharedVm): void {
    this.config = config;
    this.vm = vm;
    this.start();
  }
}
