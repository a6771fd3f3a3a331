import type { Cluster, Host } from "./cluster";
import type { PooledSocket } from "./connector";

/** Keeps the books of one request to a host: waiting, on a connection, over. */
export class RequestCount {
  /** True until a connection is there. */
  pending = true;
  private waiting = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly host: Host,
  ) {}

  /** No connection is ready yet. */
  waits(): void {
    const { stats, resources } = this.cluster;
    this.waiting = true;
    resources.pending.take();
    stats.upstream_rq_pending_total.inc();
    stats.upstream_rq_pending_active.add(1);
    this.host.stats.rq_pending_active.add(1);
  }

  /** The request has a connection. */
  starts(socket: PooledSocket): void {
    const { config, stats, resources } = this.cluster;
    this.stopWaiting();
    this.pending = false;
    socket.served = (socket.served ?? 0) + 1;
    if (socket.served === config.maxRequestsPerConnection) stats.upstream_cx_max_requests.inc();
    resources.requests.take();
    stats.upstream_rq_total.inc();
    stats.upstream_rq_active.add(1);
    this.host.stats.rq_total.inc();
    this.host.stats.rq_active.add(1);
  }

  private stopWaiting(): void {
    if (!this.waiting) return;
    this.waiting = false;
    this.cluster.resources.pending.give();
    this.cluster.stats.upstream_rq_pending_active.add(-1);
    this.host.stats.rq_pending_active.add(-1);
  }

  /** Called once, however it ended. */
  ends(): void {
    this.stopWaiting();
    if (this.pending) return;
    this.cluster.resources.requests.give();
    this.cluster.stats.upstream_rq_active.add(-1);
    this.host.stats.rq_active.add(-1);
  }
}
