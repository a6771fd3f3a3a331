import type { Socket } from "node:net";
import type { InspectionConfig } from "../config/model";
import type { StatCounter, StatGauge, StatsStore } from "./stats/store";
import type { ClientHello } from "./tls/client-hello";
import { InspectorStats, inspect } from "./tls/tls-inspector";

/** The connections of a listener whose first bytes are waited for. */
export class Inspection {
  private readonly pending = new Map<Socket, () => void>();
  private readonly active: StatGauge;
  private readonly timeouts: StatCounter;
  private readonly stats: InspectorStats | undefined;
  private emptied: (() => void) | undefined;

  /** `prefix`: `listener.<address>.` */
  constructor(
    private readonly config: InspectionConfig,
    store: StatsStore,
    prefix: string,
  ) {
    this.active = store.gauge(`${prefix}downstream_pre_cx_active`);
    this.timeouts = store.counter(`${prefix}downstream_pre_cx_timeout`);
    // Only a configured inspector counts.
    this.stats = config.tls ? new InspectorStats(store) : undefined;
  }

  /** `done` hears what the client has said first, unless the connection ends before. */
  start(socket: Socket, done: (hello: ClientHello | undefined) => void): void {
    const { config, stats, active } = this;
    const finish = (hello: ClientHello | undefined) => {
      settle();
      stats?.seen(hello);
      done(hello);
    };
    const tooLarge = () => {
      settle();
      if (!stats) return done(undefined);
      stats.counters.client_hello_too_large.inc();
      socket.destroy();
    };
    const stop = inspect(socket, finish, tooLarge);
    const timer =
      config.tls && config.timeoutMs > 0 ? setTimeout(() => expire(), config.timeoutMs) : undefined;
    const settle = () => {
      clearTimeout(timer);
      socket.off("close", settle);
      socket.off("error", ignore);
      if (!this.pending.delete(socket)) return;
      active.add(-1);
      if (this.pending.size === 0) this.emptied?.();
    };
    const expire = () => {
      this.timeouts.inc();
      stop();
      settle();
      if (config.continueOnTimeout) done(undefined);
      else socket.destroy();
    };
    active.add(1);
    this.pending.set(socket, stop);
    socket.once("close", settle);
    socket.on("error", ignore);
  }

  /** Resolves when every connection has its filter chain. */
  async over(): Promise<void> {
    if (this.pending.size === 0) return;
    await new Promise<void>((resolve) => {
      this.emptied = resolve;
    });
  }

  /** Connections without a filter chain end with the listener. */
  end(): void {
    for (const socket of [...this.pending.keys()]) socket.destroy();
  }
}

/** The end of the connection says enough. */
function ignore(): void {}
