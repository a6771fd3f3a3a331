import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** The part of node:http's parser that tells what it is reading. */
interface Parser {
  getCurrentBuffer?(): Buffer | undefined;
}

const HEAD_END = "\r\n\r\n";

/** Requests behind which bytes may have got lost. */
const lossy = new WeakSet<IncomingMessage>();

/**
 * Of a request with an upgrade that is not granted: node:http serves it as it is, but forgets what the same read has brought
 * behind it, and would take up a message in its middle. Such a request has to be the last of its connection.
 */
export function noteLostBytes(request: IncomingMessage): void {
  const { parser } = request.socket as Socket & { parser?: Parser };
  const bytes = parser?.getCurrentBuffer?.();
  const end = bytes?.indexOf(HEAD_END) ?? -1;
  // Nothing can have got lost when the read ends with the only head that ends in it.
  if (bytes === undefined || end < 0 || end + HEAD_END.length !== bytes.length) lossy.add(request);
}

export const mayHaveLostBytes = (request: IncomingMessage): boolean => lossy.has(request);
