import type { Socket } from "node:net";

/** What Node gives a socket by itself, bytes. */
const DEFAULT_BYTES = 64 * 1024;

/**
 * A socket's high-water mark under a limit (0 = none). Never above the limit, so that a socket found full says "drain"
 * later; never above the default, as a paused socket reads that much ahead.
 */
export function socketBuffer(limit: number): number {
  return limit === 0 ? DEFAULT_BYTES : Math.min(limit, DEFAULT_BYTES);
}

/** More than the limit waits to be sent. */
export function isFull(socket: Socket, limit: number): boolean {
  return limit !== 0 && socket.writableLength > limit;
}

/** Closes a socket at once, on request with a reset. */
export function destroy(socket: Socket, reset: boolean): void {
  if (reset) socket.resetAndDestroy();
  else socket.destroy();
}
