import type { Cluster, Host } from "./cluster";
import type { PooledSocket } from "./connector";

/** Keeps the books of one request to a host: waiting, on a connection, over. */
export class RequestCount {
  /** True until a connection is there. */
  pending = true;

  constructor(
    private readonly cluster: Cluster,
    private readonly host: Host,
  ) {
    cluster.active++;
    cluster.waiting++;
    cluster.stats.upstream_rq_active.add(1);
    host.stats.rq_active.add(1);
    cluster.stats.upstream_rq_pending_active.add(1);
    host.stats.rq_pending_active.add(1);
  }

  /** No connection is ready yet. */
  waits(): void {
    this.cluster.stats.upstream_rq_pending_total.inc();
  }

  /** The request has a connection. */
  starts(socket: PooledSocket): void {
    this.leavePending();
    socket.served = (socket.served ?? 0) + 1;
    this.cluster.stats.upstream_rq_total.inc();
    this.host.stats.rq_total.inc();
  }

  private leavePending(): void {
    if (!this.pending) return;
    this.pending = false;
    this.cluster.waiting--;
    this.cluster.stats.upstream_rq_pending_active.add(-1);
    this.host.stats.rq_pending_active.add(-1);
  }

  /** Called once, however it ended. */
  ends(): void {
    this.leavePending();
    this.cluster.active--;
    this.cluster.stats.upstream_rq_active.add(-1);
    this.host.stats.rq_active.add(-1);
  }
}
