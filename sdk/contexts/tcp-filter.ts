import { Action } from "../abi/action";
import { BufferType } from "../abi/buffer-type";
import { PeerType } from "../abi/peer-type";
import { StreamType } from "../abi/stream-type";
import { Connection } from "../attributes/connection";
import { Upstream } from "../attributes/upstream";
import { closeStream, continueStream } from "../hostcalls/streams";
import { StreamContext } from "./stream-context";
import { TcpBuffer } from "./tcp-buffer";

/**
 * One TCP connection of a client, and the one to the upstream behind it. Override only what you need, as for
 * `HttpFilter`.
 *
 * `Action.Pause` from a data callback holds the bytes; the next callback of that side shows them with what has come
 * since. What the client sent also goes on with `continueDownstream`; what the upstream sent only when a later
 * `onUpstreamData` answers `Action.Continue`.
 * @example
 * class Upper extends TcpFilter {
 *   onDownstreamData(): Action {
 *     this.downstream.set(this.downstream.text().toUpperCase());
 *     return Action.Continue;
 *   }
 * }
 * registerTcp<Upper>("upper");
 */
export class TcpFilter extends StreamContext {
  /** What the client sends. */
  get downstream(): TcpBuffer {
    return changetype<TcpBuffer>(<usize>BufferType.DownstreamData);
  }

  /** What the upstream sends. */
  get upstream(): TcpBuffer {
    return changetype<TcpBuffer>(<usize>BufferType.UpstreamData);
  }

  /** The connection itself. */
  get connection(): Connection {
    return changetype<Connection>(0);
  }

  /** The host behind the proxy; known once it is connected, that is from the first data callback on. */
  get host(): Upstream {
    return changetype<Upstream>(0);
  }

  /** The client has connected. `Action.Pause` keeps the connection to the upstream waiting, and every byte. */
  onNewConnection(): Action {
    return Action.Continue;
  }

  /** Bytes from the client in `this.downstream`; `this.downstream.endOfStream` on its last (maybe empty) ones. */
  onDownstreamData(): Action {
    return Action.Continue;
  }

  /** Bytes from the upstream in `this.upstream`; `this.upstream.endOfStream` on its last (maybe empty) ones. */
  onUpstreamData(): Action {
    return Action.Continue;
  }

  /**
   * The upstream has ended its side: called right after the `onUpstreamData` that says so. Not called for a
   * connection that broke.
   * @param peer always `PeerType.Unknown` in Envoy
   */
  onUpstreamClose(peer: PeerType): void {}

  /**
   * The client's connection is closed; `onDone`, `onLog` and `onDelete` follow at once.
   * @param peer who closed: the proxy (`Local`, also when it completes what the client had begun) or the client (`Remote`)
   */
  onDownstreamClose(peer: PeerType): void {}

  /** Lets the client's held bytes, or its connection held in `onNewConnection`, go on. */
  continueDownstream(): void {
    continueStream(StreamType.Downstream);
  }

  /** Closes the client's connection, and with it the upstream's, once what was sent to the client has left. */
  close(): void {
    closeStream(StreamType.Downstream);
  }
}
