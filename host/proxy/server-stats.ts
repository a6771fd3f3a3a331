import type { StatsStore } from "./stats/store";

const STATES = { LIVE: 0n, DRAINING: 1n, PRE_INITIALIZING: 2n, INITIALIZING: 3n } as const;

export type ServerState = keyof typeof STATES;

/** `server.*`, as far as this process has something to say. */
export class ServerStats {
  constructor(
    private readonly store: StatsStore,
    private readonly startedAt: number,
  ) {
    store.gauge("server.concurrency").set(1n);
    store.gauge("server.hot_restart_epoch").set(0n);
    store.gauge("server.live").set(0n);
  }

  setState(state: ServerState): void {
    this.store.gauge("server.state").set(STATES[state]);
    this.setLive(state);
  }

  setLive(state: ServerState): void {
    this.store.gauge("server.live").set(state === "LIVE" ? 1n : 0n);
  }

  started(): void {
    this.store
      .histogram("server.initialization_time_ms")
      .record(Math.round(performance.now() - this.startedAt));
  }

  /** Numbers nobody counts: read when somebody looks. */
  refresh(connections: number): void {
    const { heapUsed, heapTotal, rss } = process.memoryUsage();
    const now: Record<string, number> = {
      uptime: Math.floor((performance.now() - this.startedAt) / 1000),
      memory_allocated: heapUsed,
      memory_heap_size: heapTotal,
      memory_physical_size: rss,
      total_connections: connections,
    };
    for (const [name, value] of Object.entries(now)) this.store.gauge(`server.${name}`).set(BigInt(value));
  }
}
