import type { Socket } from "node:net";
import type { StatCounter } from "../../stats/store";

/** Envoy's default `delayed_close_timeout`: how long a client may take to read a last reply. */
const DELAYED_CLOSE_MS = 1000;

/**
 * Sends what is queued and the end of the stream, then reads on until the client closes, so long at most; 0 = closes at
 * once. That would make the kernel answer bytes still under way with a reset, which may overtake the reply.
 */
export function closeAfterFlush(socket: Socket, delayMs = DELAYED_CLOSE_MS, timeouts?: StatCounter): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (delayMs === 0) {
    socket.destroySoon();
    return;
  }
  const timer = setTimeout(() => {
    timeouts?.inc();
    socket.destroy();
  }, delayMs);
  socket.once("close", () => clearTimeout(timer));
  socket.once("end", () => socket.destroySoon());
  socket.end();
  socket.resume();
}
