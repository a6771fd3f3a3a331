import { Deadlines } from "../deadlines";
import type { DownstreamConnection } from "./connection";
import type { ConnectionManager } from "./connection-manager";

const IDLE = 0;
const AGE = 1;
const DRAIN = 2;

/** Ends a client's connection that has been without streams for long, or that is too old. */
export class ConnectionTimers extends Deadlines {
  constructor(
    private readonly manager: ConnectionManager,
    private readonly connection: DownstreamConnection,
  ) {
    super(3);
    const { maxConnectionMs } = manager.timeouts;
    this.onIdle();
    if (maxConnectionMs !== undefined) this.set(AGE, maxConnectionMs);
  }

  /** A stream has begun. */
  onBusy(): void {
    this.clear(IDLE);
  }

  /** The last stream is over. */
  onIdle(): void {
    const { connectionIdleMs } = this.manager.timeouts;
    if (connectionIdleMs > 0) this.set(IDLE, connectionIdleMs);
  }

  protected override onDue(which: number): void {
    const { manager, connection } = this;
    const { stats, timeouts } = manager;
    if (which === DRAIN) {
      connection.codec?.retire();
      return;
    }
    (which === IDLE ? stats.downstream_cx_idle_timeout : stats.downstream_cx_max_duration_reached).inc();
    // It has not even said what it speaks.
    if (!connection.codec) connection.socket.destroy();
    else if (!connection.retiring) {
      connection.retiring = true;
      const waits = which === AGE && timeouts.safeMaxConnection && connection.codec.saysClose;
      if (!waits) this.set(DRAIN, timeouts.drainMs);
    }
  }

  protected override onBug(error: unknown): void {
    this.manager.onBug(error);
    this.connection.socket.destroy();
  }
}
