import type { TcpProbeConfig } from "../../config/model/health-check";
import { dial, type PooledSocket } from "../clusters/connector";
import { contained } from "../contain";
import { containsInOrder } from "./payload";
import { checkAddress, NETWORK_FAILURE, type Probe, type ProbeSetup, SUCCESS } from "./probe";

/** More than this is not kept of what a host says; it is looked through again with every byte that comes. */
const MAX_BYTES = 64 * 1024;

/** Connects, and where that is asked for says something and waits for an answer. */
export class TcpProbe implements Probe {
  private socket: PooledSocket | undefined;
  private received = Buffer.alloc(0);

  constructor(private readonly setup: ProbeSetup<TcpProbeConfig>) {}

  start(): void {
    const { send, receive } = this.setup.config;
    const socket = this.socket ?? this.connect();
    // Without anything to wait for the connection is all, and gone before anything could be said.
    if (send.length > 0 && receive.length > 0) socket.write(send);
  }

  private connect(): PooledSocket {
    const { cluster, host, config, onBug } = this.setup;
    const { hostname } = host;
    const socket = dial(cluster.tls, { ...checkAddress(host), hostname, protocol: undefined });
    this.socket = socket;
    socket.on("error", () => {});
    socket.once(
      "close",
      contained(() => {
        if (this.socket !== socket) return;
        this.forget();
        this.setup.onResult(NETWORK_FAILURE);
      }, onBug),
    );
    if (config.receive.length === 0)
      socket.once(
        "established",
        contained(() => this.succeed(socket, false), onBug),
      );
    else
      socket.on(
        "data",
        contained((data: Buffer) => this.onData(socket, data), onBug),
      );
    return socket;
  }

  private onData(socket: PooledSocket, data: Buffer): void {
    if (this.socket !== socket) return;
    this.received = Buffer.concat([this.received, data]).subarray(-MAX_BYTES);
    if (!containsInOrder(this.received, this.setup.config.receive)) return;
    this.received = Buffer.alloc(0);
    this.succeed(socket, this.setup.check.reuseConnection);
  }

  private succeed(socket: PooledSocket, kept: boolean): void {
    if (this.socket !== socket) return;
    if (!kept) this.cut();
    this.setup.onResult(SUCCESS);
  }

  private cut(): void {
    const { socket } = this;
    this.forget();
    socket?.destroy();
  }

  private forget(): void {
    this.socket = undefined;
    this.received = Buffer.alloc(0);
  }

  abort(): void {
    this.cut();
  }

  close(): void {
    this.cut();
  }
}
