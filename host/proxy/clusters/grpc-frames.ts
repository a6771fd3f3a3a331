const HEAD = 5;
const COMPRESSED = 1;

/** The bytes of a message on the wire: a flag, the size, the message. */
export function frame(message: Buffer): Buffer {
  const out = Buffer.allocUnsafe(HEAD + message.length);
  out[0] = 0;
  out.writeUInt32BE(message.length, 1);
  message.copy(out, HEAD);
  return out;
}

/** Why a body is no sequence of gRPC messages this proxy takes. */
export type FrameFault = "malformed" | "too large" | "compressed";

/** Cuts a body into messages, however its chunks fall. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private held = 0;
  /** Bytes of head and message needed before anything can be done. */
  private needed = HEAD;

  constructor(private readonly maxMessage: number) {}

  /**
   * The messages that the chunk completes. What precedes a fault is still handed out; the fault is told with the last.
   */
  read(chunk: Buffer): { messages: Buffer[]; fault: FrameFault | undefined } {
    const messages: Buffer[] = [];
    if (chunk.length > 0) this.chunks.push(chunk);
    this.held += chunk.length;
    while (this.held > 0) {
      if (this.chunks[0]![0]! > COMPRESSED) return { messages, fault: "malformed" };
      if (this.held < this.needed) break;
      const data = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
      this.chunks = [data];
      const size = data.readUInt32BE(1);
      if (size > this.maxMessage) return { messages, fault: "too large" };
      this.needed = HEAD + size;
      if (this.held < this.needed) break;
      // An empty message is empty either way.
      if (data[0] === COMPRESSED && size > 0) return { messages, fault: "compressed" };
      messages.push(data.subarray(HEAD, this.needed));
      const rest = data.subarray(this.needed);
      this.chunks = rest.length > 0 ? [rest] : [];
      this.held -= this.needed;
      this.needed = HEAD;
    }
    return { messages, fault: undefined };
  }
}
