import { CIRCUIT_BREAKERS } from "../../config/defaults";
import type { ClusterConfig } from "../../config/model";
import type { StatGauge, StatsStore } from "../stats/store";

/** Something that a cluster may have so much of at one time. */
export class Resource {
  count = 0;

  constructor(
    private readonly most: number,
    /** 1 while there is no more to be had. */
    private readonly open: StatGauge,
    /** What is left; undefined = nobody asks. */
    private readonly remaining: StatGauge | undefined,
  ) {
    remaining?.set(BigInt(most));
  }

  get hasRoom(): boolean {
    return this.count < this.most;
  }

  take(): void {
    // Some are had beyond the limit: a host's first connection.
    if (++this.count === this.most) this.open.set(1n);
    this.tell();
  }

  give(): void {
    if (this.count-- === this.most) this.open.set(0n);
    this.tell();
  }

  private tell(): void {
    this.remaining?.set(BigInt(Math.max(0, this.most - this.count)));
  }
}

/** What circuit breakers are told by: their gauge, that of what is left, the limit. */
const RESOURCES = {
  connections: ["cx_open", "remaining_cx", "max_connections"],
  pending: ["rq_pending_open", "remaining_pending", "max_pending_requests"],
  requests: ["rq_open", "remaining_rq", "max_requests"],
  retries: ["rq_retry_open", "remaining_retries", "max_retries"],
} as const;

type Named = Readonly<Record<keyof typeof RESOURCES, Resource>>;

/** Pools of connections are without limit, and nobody counts them. */
const UNLIMITED = 2n ** 64n - 1n;

/** The resources of a cluster, with its `circuit_breakers.*` stats. */
export class Resources implements Named {
  readonly connections: Resource;
  /** Requests that wait for a connection. */
  readonly pending: Resource;
  /** Requests that are on one. */
  readonly requests: Resource;
  readonly retries: Resource;
  /** Connections that one host may have. */
  readonly perHost: number;

  constructor({ circuitBreakers, connectionLimits, statName }: ClusterConfig, store: StatsStore) {
    const { perHost, trackRemaining } = connectionLimits;
    this.perHost = perHost;
    const prefix = `cluster.${statName}.circuit_breakers.`;
    const make = (priority: "default" | "high", name: keyof typeof RESOURCES) => {
      const [open, remaining, limit] = RESOURCES[name];
      const gauge = (stat: string) => store.gauge(`${prefix}${priority}.${stat}`);
      // Requests of high priority do not exist here; their breakers are shown, and stay closed.
      const most = (priority === "default" ? circuitBreakers : CIRCUIT_BREAKERS)[limit];
      return new Resource(most, gauge(open), trackRemaining[priority] ? gauge(remaining) : undefined);
    };
    for (const priority of ["default", "high"] as const) {
      store.gauge(`${prefix}${priority}.cx_pool_open`);
      if (trackRemaining[priority]) store.gauge(`${prefix}${priority}.remaining_cx_pools`).set(UNLIMITED);
      for (const name of Object.keys(RESOURCES) as (keyof typeof RESOURCES)[]) make(priority, name);
    }
    this.connections = make("default", "connections");
    this.pending = make("default", "pending");
    this.requests = make("default", "requests");
    this.retries = make("default", "retries");
  }
}
