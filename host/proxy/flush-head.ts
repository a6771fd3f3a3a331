import type { OutgoingMessage } from "node:http";

/** The part of node:http that puts the head before the next bytes. */
interface HeadWriter {
  _send(data: string, encoding: BufferEncoding): boolean;
}

/**
 * Sends a message's head now, though its body takes its time; usually the first chunk has joined it before. As
 * `flushHeaders()`, which would write the head as UTF-8: header values are bytes.
 */
export function flushHead(message: OutgoingMessage): void {
  if (!message.destroyed && !message.writableEnded) (message as unknown as HeadWriter)._send("", "latin1");
}
