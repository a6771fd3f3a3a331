import type { ActiveStream } from "../active-stream";
import type { CodecConnection } from "../codec";
import type { DownstreamConnection } from "../connection";
import type { ConnectionManager } from "../connection-manager";
import { closeAfterFlush } from "./delayed-close";

/** A connection that speaks HTTP/1: one stream at a time, or several whose requests were pipelined. */
export class Http1Connection implements CodecConnection {
  /** A request has come. */
  used = false;
  /** The stream whose request arrived last. */
  stream: ActiveStream | undefined;
  /** No further request is served: said so by either side, or the proxy drains. */
  closing = false;

  constructor(
    readonly manager: ConnectionManager,
    readonly base: DownstreamConnection,
  ) {}

  /** Responses to come say `connection: close`, see Http1Stream. */
  drain(): void {
    if (this.base.active === 0) closeAfterFlush(this.base.socket);
  }

  streamFinished(last: boolean): void {
    if (!last) return;
    this.stream = undefined;
    if (this.manager.draining) this.drain();
  }
}
