import type { ClusterConfig } from "../../config/model";
import { contained } from "../contain";
import type { Connector } from "./connector";
import { type ChannelEvents, Http1Channel } from "./http1-channel";

/** A request that gets a connection, now or later. */
export interface ChannelUser extends ChannelEvents {
  /** The connection is there, handshake included. */
  onChannel(channel: Http1Channel): void;
}

/**
 * Keep-alive HTTP/1.1 connections to one host; the most recently used one serves next. Requests for which there is none wait, and
 * whichever connection is ready first takes the one that has waited longest, be it one that another request was the reason for.
 */
export class HostPool {
  private readonly free: Http1Channel[] = [];
  private readonly connecting = new Set<Http1Channel>();
  private waiting: ChannelUser[] = [];
  private draining = false;
  private destroyed = false;

  constructor(
    private readonly connector: Connector,
    private readonly config: ClusterConfig,
  ) {}

  /** A connection is free. */
  get hasRoom(): boolean {
    return this.free.length > 0;
  }

  /** Gives a request a connection: a free one, or the next that is. */
  request(user: ChannelUser): void {
    const channel = this.takeFree();
    if (channel) {
      this.hand(channel, user);
      return;
    }
    this.waiting.push(user);
    this.connect();
  }

  private takeFree(): Http1Channel | undefined {
    for (let channel = this.free.pop(); channel; channel = this.free.pop())
      if (channel.usable) return channel;
    return undefined;
  }

  /** What the request does with it is its own doing, whoever has left it the connection. */
  private hand(channel: Http1Channel, user: ChannelUser): void {
    channel.take(user);
    try {
      user.onChannel(channel);
    } catch (bug) {
      channel.socket.destroy();
      user.onBug(bug);
    }
  }

  /** One more connection, when more requests wait than connections are on their way, and there may be one. */
  private connect(): void {
    if (this.destroyed || this.waiting.length <= this.connecting.size) return;
    if (!this.connector.mayConnect()) return;
    const { bytes } = this.config.codec.limits;
    const channel = new Http1Channel(this.connector.connect("http1"), bytes, {
      onReady: (ready) => this.onReady(ready),
      onClose: (gone, error) => this.onClosed(gone, error),
    });
    this.connecting.add(channel);
  }

  private onReady(channel: Http1Channel): void {
    this.connecting.delete(channel);
    // Who waits is served, even where nobody will be after it.
    if (this.waiting.length > 0 || this.mayKeep(channel)) this.serve(channel);
    else channel.socket.destroy();
  }

  /** A connection may take a request. */
  private serve(channel: Http1Channel): void {
    const next = this.waiting.shift();
    if (next) this.hand(channel, next);
    else this.free.push(channel);
  }

  /** A request that waits does so no longer; a connection on its way comes all the same. */
  forget(user: ChannelUser): void {
    const at = this.waiting.indexOf(user);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  /** An exchange is over, and its connection could serve again. */
  release(channel: Http1Channel): void {
    channel.exchange = undefined;
    if (this.mayKeep(channel)) this.serve(channel);
    else channel.socket.destroy();
  }

  private mayKeep(channel: Http1Channel): boolean {
    const { socket } = channel;
    if (this.draining || socket.retired || !channel.usable) return false;
    const { maxRequestsPerConnection: most, idleTimeoutMs } = this.config;
    if (most > 0 && (socket.served ?? 0) >= most) return false;
    // A host that says when it will close is believed: 0 = at once.
    if (socket.idleMs === 0) return false;
    const idle = socket.idleMs ?? idleTimeoutMs;
    if (socket.timeout !== idle) socket.setTimeout(idle);
    return true;
  }

  private onClosed(channel: Http1Channel, error: Error | undefined): void {
    const at = this.free.indexOf(channel);
    if (at >= 0) this.free.splice(at, 1);
    // A host that cannot be reached is so for all who wait.
    if (this.connecting.delete(channel)) {
      const failed = this.waiting;
      this.waiting = [];
      for (const user of failed) contained(() => user.onClosed(error, false), user.onBug)();
    }
    this.connect();
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
  destroy(): void {
    this.draining = true;
    this.destroyed = true;
    this.connector.destroy();
  }
}
