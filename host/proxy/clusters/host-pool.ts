import { Agent } from "node:http";
import type { Socket } from "node:net";
import { type Connector, IDLE_MS, type PooledSocket } from "./connector";

/** Keep-alive HTTP/1.1 connections to one host; the most recently used one serves next. */
export class HostPool extends Agent {
  private draining = false;

  constructor(
    private readonly connector: Connector,
    maxConnections: number,
  ) {
    super({
      keepAlive: true,
      maxSockets: maxConnections,
      maxFreeSockets: maxConnections,
      scheduling: "lifo",
    });
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
    if (this.draining) return false;
    const idle = socket.idleMs ?? IDLE_MS;
    if (socket.timeout !== idle) socket.setTimeout(idle);
    return idle > 0;
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
