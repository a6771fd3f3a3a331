import type { Cluster, Host } from "../clusters/cluster";
import { dial, type PooledSocket } from "../clusters/connector";
import { failureText } from "../clusters/upstream-events";
import { contained, type OnBug } from "../contain";
import { destroy, isFull, socketBuffer } from "./socket-buffer";

/** What happens on a connection to a host. */
export interface UpstreamConnectionEvents {
  onUpstreamConnected(socket: PooledSocket): void;
  onUpstreamData(data: Buffer): void;
  /** The host has sent its end of stream. */
  onUpstreamEnd(): void;
  /** What was written has left: more may be written. */
  onUpstreamDrain(): void;
  /** The connection is closed, in order or by a reset of the host. Nothing follows. */
  onUpstreamClosed(reset: boolean): void;
  /** It never came about; `reason` is the system's or TLS's, "" when time ran out. Nothing follows. */
  onUpstreamFailed(reason: string): void;
  /** This side of the connection is broken; may come at any time. */
  onUpstreamBug(error: unknown): void;
}

/** A TCP connection to a host, for one client alone, with its place in the cluster's stats. */
export class UpstreamConnection {
  readonly socket: PooledSocket;
  private readonly started = performance.now();
  private established = false;
  private remote = false;
  private timedOut = false;
  private reset = false;
  private reason = "";
  private bytesIn = 0;
  private bytesOut = 0;
  /** Undefined once the client is gone: the rest is only flushed. */
  private events: UpstreamConnectionEvents | undefined;

  constructor(
    private readonly cluster: Cluster,
    readonly host: Host,
    events: UpstreamConnectionEvents,
  ) {
    this.events = events;
    const { connectTimeoutMs, perConnectionBufferLimitBytes: limit } = cluster.config;
    const { address, port, hostname } = host;
    const socketOptions = { allowHalfOpen: true, highWaterMark: socketBuffer(limit) };
    this.socket = dial(cluster.tls, { address, port, hostname, protocol: undefined, socket: socketOptions });
    this.countOpen();
    const timer = setTimeout(() => {
      this.timedOut = true;
      this.socket.destroy();
    }, connectTimeoutMs);
    const { socket } = this;
    if (cluster.config.hostHealth.closeOnFailure) host.streams.add(socket);
    const onBug: OnBug = (error) => events.onUpstreamBug(error);
    socket.once(
      "established",
      contained(() => {
        clearTimeout(timer);
        this.established = true;
        host.outlier?.outcome("connected for good");
        this.countEstablished();
        this.events?.onUpstreamConnected(socket);
      }, onBug),
    );
    socket.on(
      "data",
      contained((data: Buffer) => this.events?.onUpstreamData(data), onBug),
    );
    socket.once(
      "end",
      contained(() => {
        this.remote = true;
        this.events?.onUpstreamEnd();
      }, onBug),
    );
    socket.on(
      "drain",
      contained(() => this.events?.onUpstreamDrain(), onBug),
    );
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.remote = true;
      this.reset = error.code === "ECONNRESET";
      this.reason = failureText(error);
    });
    socket.once(
      "close",
      contained(() => {
        clearTimeout(timer);
        this.onClose();
      }, onBug),
    );
  }

  private onClose(): void {
    this.countClose();
    this.host.streams.delete(this.socket);
    const { events } = this;
    this.events = undefined;
    if (this.established) {
      events?.onUpstreamClosed(this.reset);
      return;
    }
    if (events) this.host.outlier?.outcome(this.timedOut ? "timeout" : "connect failed");
    events?.onUpstreamFailed(this.reason);
  }

  /** False asks the caller to wait for `onUpstreamDrain`. */
  write(data: Buffer): boolean {
    if (data.length === 0) return true;
    this.socket.write(data);
    return !isFull(this.socket, this.cluster.config.perConnectionBufferLimitBytes);
  }

  /** Closes at once, on request with a reset; no event follows. */
  cut(reset: boolean): void {
    this.events = undefined;
    destroy(this.socket, reset);
  }

  /** Closes when what was written has left; no event follows. */
  flushAndClose(onClosed: () => void): void {
    this.events = undefined;
    const { socket } = this;
    socket.once("close", onClosed);
    socket.destroySoon();
    // What still comes has no reader.
    socket.resume();
  }

  private countOpen(): void {
    const { stats } = this.cluster;
    stats.upstream_cx_total.inc();
    stats.upstream_cx_active.add(1);
    this.cluster.resources.connections.take();
    stats.upstream_rq_active.add(1);
    stats.upstream_rq_pending_total.inc();
    stats.upstream_rq_pending_active.add(1);
    this.host.stats.cx_total.inc();
    this.host.stats.cx_active.add(1);
    this.host.stats.rq_active.add(1);
  }

  private countEstablished(): void {
    const { stats } = this.cluster;
    stats.upstream_cx_connect_ms.record(Math.round(performance.now() - this.started));
    stats.upstream_rq_pending_active.add(-1);
    stats.upstream_rq_total.inc();
    this.host.stats.rq_total.inc();
  }

  private countClose(): void {
    const { stats } = this.cluster;
    const { host } = this;
    stats.upstream_cx_active.add(-1);
    this.cluster.resources.connections.give();
    stats.upstream_rq_active.add(-1);
    host.stats.cx_active.add(-1);
    host.stats.rq_active.add(-1);
    stats.upstream_cx_length_ms.record(Math.round(performance.now() - this.started));
    const { remote } = this;
    if (this.established) {
      this.countBytes();
      stats.upstream_cx_destroy_with_active_rq.inc();
      (remote
        ? stats.upstream_cx_destroy_remote_with_active_rq
        : stats.upstream_cx_destroy_local_with_active_rq
      ).inc();
    } else {
      stats.upstream_rq_pending_active.add(-1);
      stats.upstream_rq_pending_failure_eject.inc();
      stats.upstream_cx_connect_fail.inc();
      host.stats.cx_connect_fail.inc();
      if (this.timedOut) stats.upstream_cx_connect_timeout.inc();
    }
    stats.upstream_cx_destroy.inc();
    (remote ? stats.upstream_cx_destroy_remote : stats.upstream_cx_destroy_local).inc();
  }

  /** Brings the byte counters up to date. */
  countBytes(): void {
    const { bytesRead, bytesWritten } = this.socket;
    this.cluster.stats.upstream_cx_rx_bytes_total.add(bytesRead - this.bytesIn);
    this.cluster.stats.upstream_cx_tx_bytes_total.add(bytesWritten - this.bytesOut);
    this.bytesIn = bytesRead;
    this.bytesOut = bytesWritten;
  }
}
