import type { ActiveStream } from "../active-stream";
import type { CodecConnection } from "../codec";
import type { DownstreamConnection } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import { closeAfterFlush } from "./delayed-close";
import type { HeadTimer } from "./head-timer";

/** Requests that may wait for their turn before reading stops. Below that a client that leaves is noticed at once. */
const MAX_WAITING = 16;

/** Something that came on the connection and is to be answered: a request, or bytes that are none. */
export interface Turn {
  serve(): void;
  /** All of it has arrived. */
  readonly complete: boolean;
  /** Nothing behind it is served. */
  readonly last?: boolean;
}

/** A connection that speaks HTTP/1: its requests, pipelined or not, are served one after the other. */
export class Http1Connection implements CodecConnection {
  /** The stream being served. */
  stream: ActiveStream | undefined;
  /** No further request is served: said so by either side, or the proxy drains. */
  closing = false;
  readonly saysClose = true;
  /** Requests so far. */
  served = 0;
  /** Set where the head of a request may not take for ever. */
  headTimer: HeadTimer | undefined;
  /** Milliseconds that the newest request's head took to come. */
  headMs = 0;
  private current: Turn | undefined;
  private readonly waiting: Turn[] = [];
  private held = false;

  constructor(
    readonly manager: ConnectionManager,
    readonly base: DownstreamConnection,
  ) {}

  /** What came last, if it has not been answered. */
  get newest(): Turn | undefined {
    return this.waiting.at(-1) ?? this.current;
  }

  /** Serves a turn once everything that came before it has been answered; never if that ends the connection. */
  enqueue(turn: Turn): void {
    if (this.headTimer) this.headMs = this.headTimer.complete();
    if (this.closing || this.newest?.last) return;
    if (!this.current) {
      this.current = turn;
      turn.serve();
      return;
    }
    this.waiting.push(turn);
    if (this.waiting.length >= MAX_WAITING) this.hold(true);
  }

  /** The current turn has been answered, to the last byte. */
  next(): void {
    this.current = undefined;
    if (this.closing || this.base.socket.destroyed) this.waiting.length = 0;
    this.current = this.waiting.shift();
    this.hold(false);
    this.current?.serve();
  }

  private hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    if (held) this.base.socket.pause();
    else this.base.socket.resume();
  }

  /** Responses to come say `connection: close`, see Http1Stream. */
  drain(): void {
    if (this.base.active === 0) this.close();
  }

  retire(): void {
    if (this.base.active === 0) this.close();
    else this.closing = true;
  }

  /** Once all is written, and the client has had time to read it. */
  close(): void {
    const { timeouts, stats } = this.manager;
    closeAfterFlush(this.base.socket, timeouts.delayedCloseMs, stats.downstream_cx_delayed_close_timeout);
  }

  streamFinished(last: boolean): void {
    if (!last) return;
    this.stream = undefined;
    if (this.manager.draining || (this.closing && this.base.retiring)) this.drain();
  }
}
