import { ProxyBuffer } from "../hostcalls/buffers";

let ended: bool = false;

/** @internal What the current callback was told. */
export function announceData(endOfStream: u32): void {
  ended = endOfStream != 0;
}

/**
 * Bytes on their way through a connection: those of the current callback and, while it answers `Action.Pause`, all
 * that came before them. Within reach in its own data callback, and as long as the bytes are held.
 */
@unmanaged
export class TcpBuffer extends ProxyBuffer {
  /** In a data callback: whether this side sends no more. */
  get endOfStream(): bool {
    return ended;
  }
}
