import type { ClusterConfig } from "../../config/model";
import type { Connector } from "./connector";
import { type ChannelEvents, Http1Channel } from "./http1-channel";

/** A request that gets a connection, now or later. */
export interface ChannelUser extends ChannelEvents {
  onChannel(channel: Http1Channel): void;
}

/** Keep-alive HTTP/1.1 connections to one host; the most recently used one serves next. */
export class HostPool {
  private readonly free: Http1Channel[] = [];
  /** Connections that are there or on their way. */
  private count = 0;
  private most = Number.POSITIVE_INFINITY;
  /** Requests for which there may be no connection yet. */
  private readonly waiting: ChannelUser[] = [];
  private draining = false;

  constructor(
    private readonly connector: Connector,
    private readonly config: ClusterConfig,
  ) {}

  /** How many connections there may be; one there is always. Requests beyond wait for one to become free. */
  allow(connections: number): void {
    this.most = Math.max(1, connections);
  }

  /** A connection is free. */
  get hasRoom(): boolean {
    return this.free.length > 0;
  }

  /** Gives a request a connection: a free one, a new one, or the next that becomes free. */
  request(user: ChannelUser): void {
    for (let channel = this.free.pop(); channel; channel = this.free.pop())
      if (channel.usable) return this.hand(channel, user);
    if (this.count < this.most) this.open(user);
    else this.waiting.push(user);
  }

  private hand(channel: Http1Channel, user: ChannelUser): void {
    channel.take(user);
    user.onChannel(channel);
  }

  private open(user: ChannelUser): void {
    this.count++;
    const { bytes } = this.config.codec.limits;
    const channel = new Http1Channel(this.connector.connect("http1"), bytes, (gone) => this.closed(gone));
    this.hand(channel, user);
  }

  /** A request that waits does so no longer. */
  forget(user: ChannelUser): void {
    const at = this.waiting.indexOf(user);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  /** An exchange is over, and its connection could serve again. */
  release(channel: Http1Channel): void {
    channel.exchange = undefined;
    if (!this.mayKeep(channel)) {
      channel.socket.destroy();
      return;
    }
    const next = this.waiting.shift();
    if (next) this.hand(channel, next);
    else this.free.push(channel);
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

  private closed(channel: Http1Channel): void {
    this.count--;
    const at = this.free.indexOf(channel);
    if (at >= 0) this.free.splice(at, 1);
    if (this.count >= this.most) return;
    const next = this.waiting.shift();
    if (next) this.open(next);
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
    this.connector.destroy();
  }
}
