import type { ServerOpts, Socket } from "node:net";
import { PeerType } from "../../../sdk/abi/peer-type";
import type { Clock } from "../../clock";
import type { HttpConnectionManagerConfig } from "../../config/model";
import type { StreamInfo } from "../../stores/stream-info";
import { NetworkChain } from "../../stream/network-chain";
import type { NetworkEnds, NetworkFilterFactory } from "../../stream/network-filter";
import { overLimit } from "../../stream/network-flow";
import { contained, type OnBug } from "../contain";
import { Hold, HoldReason } from "../downstream/back-pressure";
import { DownstreamConnection } from "../downstream/connection";
import type { ConnectionManager } from "../downstream/connection-manager";
import type { ConnectionService } from "../listener";
import { FilteredSocket, type SocketFilters } from "./filtered-socket";
import { isFull, socketBuffer } from "./socket-buffer";
import { TcpFacts } from "./tcp-facts";

interface Deps {
  clock: Clock;
  filters: readonly NetworkFilterFactory[];
  onBug: OnBug;
  /** Bytes held of one direction before it stops; 0 = no limit. */
  bufferLimit: number;
}

/** The HTTP connection manager behind network filters. */
export class FilteredHttp implements ConnectionService {
  readonly socketOptions: ServerOpts;
  /** Every client connection, those that a filter still holds too. */
  readonly connections = new Set<FilteredConnection>();
  private emptied: (() => void) | undefined;

  constructor(
    readonly manager: ConnectionManager,
    readonly deps: Deps,
  ) {
    this.socketOptions = { pauseOnConnect: true, highWaterMark: socketBuffer(deps.bufferLimit) };
  }

  get listenerInfo(): StreamInfo["listener"] {
    return this.manager.listenerInfo;
  }

  accept(socket: Socket): void {
    const connection = new FilteredConnection(this, socket);
    this.connections.add(connection);
    connection.start();
  }

  countBytes(): void {
    this.manager.countBytes();
  }

  drain(): Promise<void> {
    for (const connection of this.connections) connection.dropUnlessServed();
    return this.manager.drain();
  }

  /** Those that a filter still holds come to the manager in their own time. */
  async retire(): Promise<void> {
    const held = new Promise<void>((resolve) => {
      this.emptied = resolve;
      this.checkEmpty();
    });
    await Promise.all([held, this.manager.retire()]);
  }

  reroute(config: HttpConnectionManagerConfig): void {
    this.manager.reroute(config);
  }

  onClosed(connection: FilteredConnection): void {
    this.connections.delete(connection);
    this.checkEmpty();
  }

  private checkEmpty(): void {
    if (this.connections.size === 0) this.emptied?.();
  }

  kill(): void {
    this.manager.kill();
    for (const connection of this.connections) connection.closeDownstream();
  }
}

/** One client connection whose bytes pass through network filters on their way to and from HTTP. */
class FilteredConnection implements NetworkEnds, SocketFilters {
  readonly info: TcpFacts;
  private readonly chain: NetworkChain;
  private readonly inner: FilteredSocket;
  private readonly hold: Hold;
  private served = false;
  private remote = false;
  private closed = false;
  private heldDownstream = false;
  private heldUpstream = false;
  /** A write of HTTP's that waits until filters or the client take more. */
  private waiting: (() => void) | undefined;

  constructor(
    private readonly service: FilteredHttp,
    private readonly socket: Socket,
  ) {
    const { deps } = service;
    this.info = new TcpFacts(new DownstreamConnection(socket).info, service.listenerInfo, deps.clock);
    this.inner = new FilteredSocket(socket, this);
    this.inner.on("error", () => {});
    this.hold = new Hold((held) => (held ? socket.pause() : socket.resume()));
    this.hold.set(HoldReason.Connect, true);
    this.chain = new NetworkChain(deps.filters, this, deps.onBug);
    const onBug: OnBug = (error) => {
      deps.onBug(error);
      socket.destroy();
    };
    socket.on(
      "data",
      contained((data: Buffer) => this.onData(data), onBug),
    );
    socket.pause();
    socket.once("end", () => {
      this.remote = true;
    });
    socket.on("error", () => {
      this.remote = true;
    });
    socket.on(
      "drain",
      contained(() => this.release(), onBug),
    );
    socket.once(
      "close",
      contained(() => this.finish(), onBug),
    );
  }

  /** HTTP reads whatever comes: there is nothing to wait for but the filters. */
  start(): void {
    this.chain.start();
    this.hold.set(HoldReason.Connect, false);
  }

  private onData(data: Buffer): void {
    if (this.closed) return;
    this.info.bytesReceived += data.length;
    this.chain.downstreamData(data, false);
  }

  connect(): void {
    this.served = true;
    const { connection, filterState } = this.info;
    // What network filters keep is there for the filters of HTTP, too.
    this.service.manager.accept(this.inner.asSocket, { ...connection, filterState });
  }

  toUpstream(data: Buffer): void {
    if (data.length > 0 && !this.inner.push(data)) this.hold.set(HoldReason.Peer, true);
  }

  resumed(): void {
    this.hold.set(HoldReason.Peer, false);
  }

  write(data: Buffer, done: () => void): void {
    this.waiting = done;
    this.chain.upstreamData(data, false);
    this.release();
  }

  toDownstream(data: Buffer): void {
    this.info.bytesSent += data.length;
    if (data.length > 0) this.socket.write(data);
  }

  /** Lets HTTP write on, unless too much waits for the client or in the filters. */
  private release(): void {
    if (this.heldUpstream || isFull(this.socket, this.service.deps.bufferLimit)) return;
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
  }

  holding(downstream: number, upstream: number): void {
    const { bufferLimit } = this.service.deps;
    this.heldDownstream = overLimit(this.heldDownstream, downstream, bufferLimit);
    this.hold.set(HoldReason.Chain, this.heldDownstream);
    this.heldUpstream = overLimit(this.heldUpstream, upstream, bufferLimit);
    if (!this.heldUpstream) this.release();
  }

  closeDownstream(): void {
    if (this.closed) return;
    if (this.socket.writableLength === 0) return this.finish();
    this.chain.seal();
    this.socket.destroySoon();
  }

  /** A connection that HTTP does not know of yet ends with the proxy. */
  dropUnlessServed(): void {
    if (!this.served) this.closeDownstream();
  }

  private finish(): void {
    if (this.closed) return;
    this.closed = true;
    this.chain.close(this.remote ? PeerType.Remote : PeerType.Local);
    this.inner.destroy();
    this.socket.destroy();
    this.service.onClosed(this);
  }
}
