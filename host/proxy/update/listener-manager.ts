import type { Bootstrap, ListenerConfig } from "../../config/model";
import type { OnBug } from "../contain";
import { type ConnectionService, Listener, listenerPrefix, type ServedChain } from "../listener";
import type { LoadedFilters } from "../listener-filters";
import type { StatsStore } from "../stats/store";
import { gather } from "../tls/gather";
import { ServerTls } from "../tls/server-tls";
import { type Change, together } from "./change";
import { type ListenerPrint, listenerPrints } from "./fingerprint";

/** Connections of a listener that is replaced or gone may take this long to end; Envoy's `--drain-time-s`. */
const DRAIN_MS = 600_000;

export interface ListenerManagerDeps {
  store: StatsStore;
  onBug: OnBug;
  /** Filters of filter chains, in their order. Throws ConfigError. */
  loadFilters(chains: readonly ListenerConfig[]): Promise<readonly LoadedFilters[]>;
  createService(chain: ListenerConfig, loaded: LoadedFilters | undefined): ConnectionService;
}

/** A listener at work, with what the file said of it. */
interface Entry {
  print: ListenerPrint;
  readonly listener: Listener;
  readonly chains: readonly ServedChain[];
  readonly loaded: readonly (LoadedFilters | undefined)[];
}

/** The listeners of the file, and those it no longer has until their last connection has ended. */
export class ListenerManager {
  private entries: readonly Entry[] = [];
  private readonly retiring = new Map<Entry, NodeJS.Timeout>();

  constructor(private readonly deps: ListenerManagerDeps) {
    const { store } = deps;
    for (const name of [
      "added",
      "create_success",
      "create_failure",
      "modified",
      "removed",
      "in_place_updated",
    ])
      store.counter(`listener_manager.listener_${name}`);
    store.gauge("listener_manager.total_listeners_active").set(0n);
    store.gauge("listener_manager.total_listeners_draining").set(0n);
    store.gauge("listener_manager.workers_started").set(0n);
  }

  /** In the order of the file. */
  get listeners(): readonly Listener[] {
    return this.entries.map(({ listener }) => listener);
  }

  /** Retiring ones too. */
  get all(): readonly Listener[] {
    return [...this.entries, ...this.retiring.keys()].map(({ listener }) => listener);
  }

  /** Contexts of TLS whose certificates may change. */
  get tls(): readonly ServerTls[] {
    return this.entries.flatMap(({ chains }) => chains.flatMap(({ tls }) => tls ?? []));
  }

  /** Throws ConfigError for certificates and plugins, StartError for addresses that cannot be had. */
  async start(bootstrap: Bootstrap): Promise<void> {
    const prints = listenerPrints(bootstrap.raw);
    const made = await this.make(byListener(bootstrap), prints);
    for (const entry of made) {
      await entry.listener.listen();
      this.entries = [...this.entries, entry];
    }
    this.count("added", made.length);
    this.count("create_success", made.length);
    this.publish();
    this.deps.store.gauge("listener_manager.workers_started").set(1n);
  }

  /** `groups`: the filter chains of each listener. Nothing is bound yet. */
  private async make(
    groups: readonly (readonly ListenerConfig[])[],
    prints: readonly (ListenerPrint | undefined)[],
  ): Promise<Entry[]> {
    const { store, onBug, loadFilters, createService } = this.deps;
    const flat = groups.flat();
    const loaded = await loadFilters(flat);
    try {
      const tls = gather(flat, (config) => {
        if (!config.tls) return undefined;
        const prefix = listenerPrefix(config);
        return new ServerTls(config.tls, store, { prefix, timeoutMs: config.handshakeTimeoutMs, onBug });
      });
      const served = flat.map((config, i) => ({
        config,
        service: createService(config, loaded[i]),
        tls: tls[i],
      }));
      return groups.map((group, i) => {
        const from = flat.indexOf(group[0]!);
        const chains = served.slice(from, from + group.length);
        return {
          print: prints[i] ?? { name: "", address: "", shape: "", routes: "" },
          listener: new Listener(chains, { store, onBug }),
          chains,
          loaded: loaded.slice(from, from + group.length),
        };
      });
    } catch (error) {
      for (const each of loaded) each.unload?.();
      throw error;
    }
  }

  /**
   * Gets the listeners of another file ready. One that differs in routes and plugins only goes on with its connections;
   * others are replaced at the same port. Throws as {@link start} does, and then nothing has changed; "restart" when a port
   * cannot be taken over without a gap.
   */
  async prepare(bootstrap: Bootstrap): Promise<Change | "restart"> {
    const prints = listenerPrints(bootstrap.raw);
    const groups = byListener(bootstrap);
    const old = prints.map((print) => this.entries.find((entry) => isSame(entry.print, print)));
    const kept = old.map((entry, i) => (entry?.print.shape === prints[i]!.shape ? entry : undefined));
    const gone = this.entries.filter((entry) => !kept.includes(entry));
    const changes: Change[] = [];
    try {
      for (const [i, entry] of kept.entries())
        if (entry) changes.push(...(await this.keep(entry, prints[i]!, groups[i]!)));
      const fresh = groups.flatMap((_, i) => (kept[i] ? [] : [i]));
      const made = await this.make(
        fresh.map((i) => groups[i]!),
        fresh.map((i) => prints[i]!),
      );
      const replacement = new Replacement(made, gone);
      changes.push({
        names: [...made, ...gone.filter((entry) => !old.includes(entry))].map(
          ({ listener }) => `listener ${listener.address.name || listener.config.address.address}`,
        ),
        commit: () => {
          replacement.commit();
          const next = [...made];
          this.entries = kept.map((entry) => entry ?? next.shift()!);
          for (const entry of gone) this.retire(entry);
          const modified = old.filter((entry) => entry && gone.includes(entry)).length;
          this.count("modified", modified);
          this.count("added", made.length - modified);
          this.count("removed", gone.length - modified);
          this.count("create_success", made.length);
          this.publish();
        },
        drop: () => {
          for (const { listener, loaded } of made) {
            listener.kill();
            for (const each of loaded) each?.unload?.();
          }
        },
      });
      if (replacement.impossible) {
        together(changes).drop();
        return "restart";
      }
      await replacement.bind();
    } catch (error) {
      together(changes).drop();
      throw error;
    }
    return together(changes);
  }

  /** What is to be done for a listener whose connections stay. */
  private async keep(
    entry: Entry,
    print: ListenerPrint,
    group: readonly ListenerConfig[],
  ): Promise<Change[]> {
    const changes: Change[] = [];
    try {
      for (const [i, config] of group.entries()) {
        const change = await entry.loaded[i]?.prepare?.(config);
        if (change && change.names.length > 0) changes.push(change);
      }
    } catch (error) {
      together(changes).drop();
      throw error;
    }
    if (print.routes !== entry.print.routes)
      changes.push({
        names: [`routes of ${entry.listener.address.name || print.address}`],
        commit: () => {
          entry.print = print;
          for (const [i, config] of group.entries())
            if (config.kind === "http") entry.chains[i]!.service.reroute?.(config.http);
          this.count("in_place_updated", 1);
        },
        drop: () => {},
      });
    return changes;
  }

  private retire(entry: Entry): void {
    const timer = setTimeout(() => entry.listener.kill(), DRAIN_MS).unref();
    this.retiring.set(entry, timer);
    void entry.listener.retire().then(() => {
      clearTimeout(timer);
      this.retiring.delete(entry);
      for (const each of entry.loaded) each?.unload?.();
      this.publish();
    });
  }

  private count(what: string, by: number): void {
    this.deps.store.counter(`listener_manager.listener_${what}`).add(by);
  }

  private publish(): void {
    const { store } = this.deps;
    store.gauge("listener_manager.total_listeners_active").set(BigInt(this.entries.length));
    store.gauge("listener_manager.total_listeners_draining").set(BigInt(this.retiring.size));
  }

  /** No new connections; resolves when those there are have ended. */
  async drain(): Promise<void> {
    await Promise.all(this.all.map((listener) => listener.drain()));
  }

  kill(): void {
    for (const listener of this.all) listener.kill();
    for (const timer of this.retiring.values()) clearTimeout(timer);
  }
}

/** New listeners at ports of their own, or at those of listeners that go. */
class Replacement {
  private readonly victims: readonly (Entry | undefined)[];

  constructor(
    private readonly made: readonly Entry[],
    gone: readonly Entry[],
  ) {
    const left = [...gone];
    this.victims = made.map(({ print }) => {
      const sameAddress = left.filter((entry) => entry.print.address === print.address);
      const victim = sameAddress.find((entry) => entry.print.name === print.name) ?? sameAddress[0];
      if (victim) left.splice(left.indexOf(victim), 1);
      return victim;
    });
  }

  /** A port would have to be closed before it can be bound again. */
  get impossible(): boolean {
    return this.made.some(({ listener }, i) => {
      const victim = this.victims[i];
      return victim !== undefined && !listener.canTakeOver(victim.listener);
    });
  }

  /** Binds the addresses that nobody has. Throws StartError. */
  async bind(): Promise<void> {
    for (const [i, { listener }] of this.made.entries()) if (!this.victims[i]) await listener.listen();
  }

  commit(): void {
    for (const [i, { listener }] of this.made.entries()) {
      const victim = this.victims[i];
      if (victim) listener.takeOver(victim.listener);
    }
  }
}

function isSame(a: ListenerPrint, b: ListenerPrint): boolean {
  return a.name !== "" || b.name !== "" ? a.name === b.name : a.address === b.address;
}

/** The filter chains of each listener. */
function byListener({ listeners }: Bootstrap): ListenerConfig[][] {
  const indexes = new Set(listeners.map(({ index }) => index));
  return [...indexes].map((index) => listeners.filter((chain) => chain.index === index));
}
