import { HeaderMap } from "../../stores/header-map";
import type { Cluster, Host } from "../clusters/cluster";
import type { PooledSocket } from "../clusters/connector";
import type { UpstreamEvents, UpstreamStream } from "../clusters/upstream-events";
import { UpstreamConnection, type UpstreamConnectionEvents } from "../tcp/upstream-connection";

const EMPTY = Buffer.alloc(0);

/** A CONNECT that ends here: its bytes on a connection to a host, without HTTP around them. */
export class TcpTunnel implements UpstreamStream, UpstreamConnectionEvents {
  private readonly connection: UpstreamConnection;
  private over = false;
  private established = false;

  constructor(
    cluster: Cluster,
    readonly host: Host,
    private readonly events: UpstreamEvents,
  ) {
    this.connection = new UpstreamConnection(cluster, host, this);
  }

  write(chunk: Buffer): boolean {
    return this.over || this.connection.write(chunk);
  }

  /** The host may still answer. */
  end(): void {
    if (!this.over) this.connection.socket.end();
  }

  pause(paused: boolean): void {
    const { socket } = this.connection;
    if (paused) socket.pause();
    else socket.resume();
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.connection.cut(false);
  }

  /** The connection is all that the client has asked for. */
  onUpstreamConnected(socket: PooledSocket): void {
    this.established = true;
    this.events.onUpstreamReady(socket);
    if (!this.over) this.events.onUpstreamHeaders(HeaderMap.of("response", [[":status", "200"]]), false);
  }

  onUpstreamData(data: Buffer): void {
    if (!this.over) this.events.onUpstreamData(data, false);
  }

  /** The response is complete, and with it all that HTTP can say. */
  onUpstreamEnd(): void {
    if (this.over || !this.established) return;
    this.cancel();
    this.events.onUpstreamData(EMPTY, true);
  }

  onUpstreamDrain(): void {
    if (!this.over) this.events.onUpstreamDrain();
  }

  onUpstreamClosed(): void {
    if (this.over) return;
    this.over = true;
    this.events.onUpstreamReset("connection termination", "");
  }

  onUpstreamFailed(reason: string): void {
    if (this.over) return;
    this.over = true;
    this.events.onUpstreamReset(reason === "" ? "connection timeout" : "remote connection failure", reason);
  }

  onUpstreamBug(error: unknown): void {
    this.events.onUpstreamBug(error);
  }
}
