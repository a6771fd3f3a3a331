import { createHash } from "node:crypto";
import { Instance, type InstanceDeps } from "../context/instance";
import { Stage } from "../context/lifecycle";
import { RootContext } from "../context/root-context";
import { PluginConfigError } from "../errors";
import { published } from "../hostcalls/call-channel";
import { buildImports } from "../hostcalls/imports";
import { Tracer } from "../hostcalls/trace";
import type { TraceSink } from "../log";
import { MetricTable } from "../stores/metrics";
import type { StatsSink } from "../stores/stats";
import type { CompiledModule } from "../vm/module";
import type { PluginConfig } from "./plugin-config";

/** Same key, same VM: vm_id with its environment and capabilities, VM configuration and code. */
export function vmKey(config: PluginConfig): string {
  const hash = createHash("sha256");
  const parts = [
    config.vmId,
    JSON.stringify([...config.environment].sort()),
    JSON.stringify([...(config.allowedCapabilities ?? [])].sort()),
    config.vmConfiguration,
    config.module,
  ];
  for (const part of parts) hash.update(createHash("sha256").update(part).digest());
  return hash.digest("hex");
}

/** Same key in the same VM, same root context: root_id, configuration, name. */
export function pluginKey(config: PluginConfig): string {
  const hash = createHash("sha256");
  for (const part of [config.rootId, config.configuration, config.name])
    hash.update(createHash("sha256").update(part).digest());
  return hash.digest("hex");
}

export type GroupDeps = Omit<InstanceDeps, "metrics" | "vmConfiguration" | "vmId" | "environment"> & {
  readonly stats: StatsSink;
  readonly node: object;
  /** Receives the callbacks and hostcalls; absent = tracing costs nothing. */
  readonly trace?: TraceSink | undefined;
};

/** One instance on one thread, with a root context per plugin key. */
export class VmSlot {
  readonly roots = new Map<string, RootContext>();
  /** Roots out of use whose streams are not over. */
  private readonly retired = new Set<RootContext>();

  constructor(readonly instance: Instance) {}

  /** A root nobody uses any more goes when the last of its streams is gone. */
  retire(key: string): void {
    const root = this.roots.get(key);
    if (!root) return;
    this.roots.delete(key);
    for (const gone of this.retired) if (gone.stage === Stage.Deleted) this.retired.delete(gone);
    this.retired.add(root);
    root.retire();
  }

  get idle(): boolean {
    return this.roots.size === 0 && [...this.retired].every((root) => root.stage === Stage.Deleted);
  }

  private takeAll(): RootContext[] {
    const all = [...this.retired, ...this.roots.values()];
    this.retired.clear();
    this.roots.clear();
    return all;
  }

  close(): void {
    const all = this.takeAll();
    for (const root of all) root.shutdown();
    for (const root of all) root.dispose();
  }

  /** Ends everything without telling the guest. */
  dispose(): void {
    for (const root of this.takeAll()) root.dispose();
  }
}

/** Makes the instances of one VM key, and the roots in them. */
export class VmGroup {
  constructor(
    private readonly compiled: CompiledModule,
    private readonly config: PluginConfig,
    private readonly deps: GroupDeps,
  ) {}

  /** A fresh instance, its start code run. Throws ModuleError, VmTrapError. */
  open(): VmSlot {
    const { config, deps } = this;
    const instance = new Instance(this.compiled, {
      clock: deps.clock,
      log: deps.log,
      caller: deps.caller,
      grpcCaller: deps.grpcCaller,
      sharedData: deps.sharedData,
      sharedQueues: deps.sharedQueues,
      names: deps.names,
      random: deps.random,
      maxCallbackMs: deps.maxCallbackMs,
      metrics: new MetricTable(deps.stats),
      vmConfiguration: config.vmConfiguration,
      vmId: config.vmId,
      environment: config.environment,
    });
    const allowed = config.allowedCapabilities;
    const tracer = deps.trace && new Tracer(instance, deps.trace);
    try {
      instance.vm.start(buildImports(instance, allowed, tracer), {
        allowed: (name) => !allowed || allowed.has(name),
        wrap: (name, run) => published(instance, name, tracer?.callback(name, run) ?? run),
      });
    } finally {
      instance.reportFailure(undefined);
    }
    return new VmSlot(instance);
  }

  /** The root context of a plugin in an instance, started and configured if it is new. Throws {@link PluginConfigError}. */
  root(slot: VmSlot, config: PluginConfig): RootContext {
    const key = pluginKey(config);
    const known = slot.roots.get(key);
    if (known) return known;
    const { name, rootId, vmId } = config;
    const root = new RootContext(
      slot.instance,
      { name, rootId, vmId, node: this.deps.node },
      config.configuration,
    );
    slot.roots.set(key, root);
    slot.instance.lastComplaint = undefined;
    if (root.start()) return root;
    const { failure } = slot.instance.vm;
    root.dispose();
    slot.roots.delete(key);
    const complaint = slot.instance.lastComplaint ?? "";
    // The words of our SDK, which this message has already, are left out.
    const words = Buffer.from(complaint, "latin1")
      .toString()
      .replace(/^configuration refused: /, "")
      .slice(0, 500);
    const reason = words === "" ? "" : `: ${words}`;
    const who = `plugin ${name === "" ? "(unnamed)" : name} (root_id "${rootId}", ${config.moduleName})`;
    throw new PluginConfigError(
      failure
        ? `${who} trapped while starting: ${failure.message}`
        : `${who} refused its configuration${reason}`,
      { cause: failure },
    );
  }
}
