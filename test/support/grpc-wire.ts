/** One gRPC message as it goes into DATA frames. */
export function grpcFrame(message: string | Buffer, flags = 0): Buffer {
  const body = typeof message === "string" ? Buffer.from(message, "latin1") : message;
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** The whole messages in a body, as Latin-1 text. */
export function grpcMessages(body: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const size = body.readUInt32BE(at + 1);
    messages.push(body.toString("latin1", at + 5, at + 5 + size));
    at += 5 + size;
  }
  return messages;
}
