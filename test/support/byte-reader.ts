import type { Socket } from "node:net";

/** The peer closed or reset the connection before what was asked for had arrived. */
export class ConnectionClosed extends Error {
  constructor(readonly received: Buffer) {
    super(`connection closed after ${JSON.stringify(received.toString("latin1").slice(-200))}`);
    this.name = "ConnectionClosed";
  }
}

/** Pulls lines and byte counts out of a socket, in order. */
export class ByteReader {
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};
  /** Resolves when the peer has closed or reset the connection. */
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      const end = () => {
        this.#ended = true;
        this.#wake();
        resolve();
      };
      socket.once("end", end);
      socket.once("close", end);
      socket.on("error", end);
    });
  }

  get isClosed(): boolean {
    return this.#ended;
  }

  /** Bytes that have arrived and were not read yet. */
  get pending(): Buffer {
    return this.#buffer;
  }

  /** One line without its CRLF, as Latin-1 text. */
  async line(): Promise<string> {
    for (;;) {
      const at = this.#buffer.indexOf("\r\n");
      if (at >= 0) {
        const text = this.#buffer.toString("latin1", 0, at);
        this.#buffer = this.#buffer.subarray(at + 2);
        return text;
      }
      await this.#more();
    }
  }

  async exactly(count: number): Promise<Buffer> {
    while (this.#buffer.length < count) await this.#more();
    const bytes = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return bytes;
  }

  /** At least one byte, or undefined at the end. */
  async some(): Promise<Buffer | undefined> {
    while (this.#buffer.length === 0) {
      if (this.#ended) return undefined;
      await this.#more();
    }
    return this.exactly(this.#buffer.length);
  }

  #more(): Promise<void> {
    if (this.#ended) throw new ConnectionClosed(this.#buffer);
    return new Promise((resolve, reject) => {
      const before = this.#buffer.length;
      this.#wake = () => {
        if (this.#ended && this.#buffer.length === before) reject(new ConnectionClosed(this.#buffer));
        else resolve();
      };
    });
  }
}
