import { connect, type Socket } from "node:net";
import { ByteReader, ConnectionClosed } from "./byte-reader";
import type { RawHeaders } from "./http-message";

export const FrameType = {
  Data: 0,
  Headers: 1,
  RstStream: 3,
  Settings: 4,
  Ping: 6,
  Goaway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

export const Flag = { EndStream: 1, Ack: 1, EndHeaders: 4 } as const;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

const MAX_FRAME = 16_384;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** One frame as bytes. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** An integer behind a prefix of seven bits (RFC 7541, 5.1), its first bit 0. */
function prefixedInteger(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest > 127; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** A header block of plain literals: nothing is checked, compressed, or remembered. */
export function headerBlock(headers: RawHeaders): Buffer {
  const parts: Buffer[] = [];
  const text = (value: string) => {
    const bytes = Buffer.from(value, "latin1");
    parts.push(prefixedInteger(bytes.length), bytes);
  };
  for (const [name, value] of headers) {
    parts.push(Buffer.from([0]));
    text(name);
    text(value);
  }
  return Buffer.concat(parts);
}

/** An HTTP/2 client that says exactly the frames it is told, right or wrong, and shows those that come back. */
export class FrameClient {
  readonly frames: Frame[] = [];
  /** As any client does. */
  answersPings = true;
  readonly #reader: ByteReader;

  private constructor(readonly socket: Socket) {
    this.#reader = new ByteReader(socket);
  }

  /** Connects and says the preface with empty settings. */
  static async connect(port: number): Promise<FrameClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => resolve());
    });
    const client = new FrameClient(socket);
    client.send(Buffer.from(PREFACE), frame(FrameType.Settings, 0, 0));
    return client;
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** HEADERS of a stream, with as many CONTINUATIONs as they need. */
  headers(stream: number, headers: RawHeaders, endStream = true): void {
    const block = headerBlock(headers);
    for (let at = 0; at < block.length; at += MAX_FRAME) {
      const last = at + MAX_FRAME >= block.length ? Flag.EndHeaders : 0;
      const flags = last | (at === 0 && endStream ? Flag.EndStream : 0);
      const type = at === 0 ? FrameType.Headers : FrameType.Continuation;
      this.send(frame(type, flags, stream, block.subarray(at, at + MAX_FRAME)));
    }
  }

  /** Reads on until a frame satisfies the test; undefined when the connection has ended before. */
  async until(wanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
    const found = this.frames.find(wanted);
    if (found) return found;
    try {
      for (;;) {
        const next = await this.#next();
        this.frames.push(next);
        if (wanted(next)) return next;
      }
    } catch (error) {
      if (!(error instanceof ConnectionClosed)) throw error;
      return undefined;
    }
  }

  async #next(): Promise<Frame> {
    const head = await this.#reader.exactly(9);
    const payload = await this.#reader.exactly(head.readUIntBE(0, 3));
    const asks = head[3] === FrameType.Ping && (head[4]! & Flag.Ack) === 0;
    if (asks && this.answersPings) this.send(frame(FrameType.Ping, Flag.Ack, 0, payload));
    return { type: head[3]!, flags: head[4]!, stream: head.readUInt32BE(5) & 0x7fffffff, payload };
  }

  /** Frames of one stream so far. */
  of(stream: number): Frame[] {
    return this.frames.filter((f) => f.stream === stream);
  }

  close(): void {
    this.socket.destroy();
  }
}
