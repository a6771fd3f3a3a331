import { Agent } from "node:http";
import type { Socket } from "node:net";
import type { ClusterConfig } from "../../config/model";
import type { Connector, PooledSocket } from "./connector";

/** Keep-alive HTTP/1.1 connections to one host; the most recently used one serves next. */
export class HostPool extends Agent {
  private draining = false;

  constructor(
    private readonly connector: Connector,
    private readonly config: ClusterConfig,
  ) {
    super({ keepAlive: true, maxFreeSockets: Number.POSITIVE_INFINITY, scheduling: "lifo" });
  }

  /** How many connections there may be; one there is always. Requests beyond wait for one to become free. */
  allow(connections: number): void {
    this.maxSockets = Math.max(1, connections);
  }

  /** A connection is free. */
  get hasRoom(): boolean {
    return (this.freeSockets[""]?.length ?? 0) > 0;
  }

  /** One pool is one host: no need to tell destinations apart. */
  override getName(): string {
    return "";
  }

  override createConnection(): Socket {
    return this.connector.connect("http1");
  }

  /** Decides whether a connection whose exchange ended may serve again. */
  override keepSocketAlive(socket: PooledSocket): boolean {
    if (this.draining || socket.retired) return false;
    const { maxRequestsPerConnection: most, idleTimeoutMs } = this.config;
    if (most > 0 && (socket.served ?? 0) >= most) return false;
    // A host that says when it will close is believed: 0 = at once.
    if (socket.idleMs === 0) return false;
    const idle = socket.idleMs ?? idleTimeoutMs;
    if (socket.timeout !== idle) socket.setTimeout(idle);
    return true;
  }

  /** Requests of now are the last on the connections there are. */
  renew(): void {
    this.connector.retireAll();
  }

  /** No new requests will come: idle connections go now, busy ones after their exchange. */
  drain(): void {
    this.draining = true;
    this.connector.closeIdle();
  }

  /** Cuts everything. */
  override destroy(): void {
    this.draining = true;
    this.connector.destroy();
    super.destroy();
  }
}
