import type { ServerHttp2Session } from "node:http2";

/** `NGHTTP2_ERR_PROTO`: by it node:http2 also calls a PING with ACK that answers none of its own. */
const BROKEN_RULES = -505;

/** A client has so long to answer a PING. */
const PATIENCE_MS = 1000;
/** So often a connection may be asked. */
const MOST_QUESTIONS = 100;

/**
 * Lets a connection live on after a PING with ACK that nobody asked for, as Envoy does; node:http2 would end it. Its error
 * looks like that of a frame which breaks the protocol, but behind such a one nghttp2 reads no more: so the client is sent a
 * PING, and the connection ends unless an answer is read.
 */
export function forgiveUnaskedAcks(session: ServerHttp2Session): void {
  const destroy = session.destroy.bind(session);
  let asked = 0;
  let patience: NodeJS.Timeout | undefined;
  session.once("close", () => clearTimeout(patience));
  session.destroy = (error?: Error | number, code?: number) => {
    const { errno } = (error ?? {}) as NodeJS.ErrnoException;
    const end = () => destroy(error as Error, code);
    if (errno !== BROKEN_RULES || asked >= MOST_QUESTIONS) return end();
    if (patience !== undefined) return;
    asked++;
    patience = setTimeout(end, PATIENCE_MS);
    // Not here: nghttp2 is in the middle of a frame.
    setImmediate(() => {
      if (session.destroyed || session.closed) return;
      session.ping((failed) => {
        if (failed) return;
        clearTimeout(patience);
        patience = undefined;
      });
    });
  };
}
