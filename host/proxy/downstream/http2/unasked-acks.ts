import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/** `NGHTTP2_ERR_PROTO`: by it node:http2 also calls a PING with ACK that answers none of its own. */
const BROKEN_RULES = -505;

/**
 * Lets a connection live on after a PING with ACK that nobody asked for, as Envoy does; node:http2 would end it. Its error
 * looks like that of a frame which breaks the protocol, but then nghttp2 has said GOAWAY and never writes again: so it is
 * made to send a PING of its own, and the connection ends if nothing leaves.
 */
export function forgiveUnaskedAcks(session: ServerHttp2Session, socket: Socket): void {
  const destroy = session.destroy.bind(session);
  let asking = false;
  session.destroy = (error?: Error | number, code?: number) => {
    const { errno } = (error ?? {}) as NodeJS.ErrnoException;
    if (errno !== BROKEN_RULES) {
      destroy(error as Error, code);
      return;
    }
    if (asking) return;
    asking = true;
    // A turn later its GOAWAY has been written, and the one after that whatever it still writes.
    setImmediate(() => {
      if (session.destroyed) return;
      const before = socket.bytesWritten;
      session.ping(ignore);
      setImmediate(() => {
        asking = false;
        if (socket.bytesWritten === before) destroy(error as Error, code);
      });
    });
  };
}

function ignore(): void {}
