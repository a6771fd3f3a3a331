import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { StatCounter } from "../stats/store";

/** Envoy's `delayed_close_timeout`: how long a client may take to read a last reply. */
const DELAYED_CLOSE_MS = 1000;

/** Sends what is queued, then closes; at most a second later the connection is cut. */
export function closeAfterFlush(socket: Socket): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), DELAYED_CLOSE_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.destroySoon();
}

/**
 * For a reply to a request that is still arriving: closing at once would make the kernel answer the client's next
 * bytes with a reset, which may overtake the reply. Half-closes instead and reads on for a moment.
 */
export function closeDelayed(response: ServerResponse, timeouts: StatCounter): void {
  const { socket } = response;
  if (!socket) return;
  socket.destroySoon = () => {
    if (socket.destroyed || socket.writableEnded) return;
    const timer = setTimeout(() => {
      timeouts.inc();
      socket.destroy();
    }, DELAYED_CLOSE_MS);
    socket.once("close", () => clearTimeout(timer));
    socket.end();
    socket.resume();
  };
}
