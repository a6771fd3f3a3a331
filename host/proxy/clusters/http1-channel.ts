import { MessageWriter } from "../http1/message-writer";
import { type ResponseEvents, ResponseReader } from "../http1/response-reader";
import type { PooledSocket } from "./connector";

/** What a channel tells the exchange that is on it. */
export interface ChannelEvents extends ResponseEvents {
  /** The host takes bytes again. */
  onDrain(): void;
  /** The connection is gone; the exchange is not complete. `half`: something of its response has come. */
  onClosed(error: Error | undefined, half: boolean): void;
  onBug(error: unknown): void;
}

/** Whose the connection is. */
export interface ChannelPool {
  /** It is there, handshake included. */
  onReady(channel: Http1Channel): void;
  /** It is gone, or never came. */
  onClose(channel: Http1Channel, error: Error | undefined): void;
}

/** One HTTP/1.1 connection to a host, with one exchange at a time on it. Its listeners are made once. */
export class Http1Channel {
  readonly writer: MessageWriter;
  exchange: ChannelEvents | undefined;
  private reader: ResponseReader | undefined;
  private reading = false;
  private error: Error | undefined;

  constructor(
    readonly socket: PooledSocket,
    private readonly maxHeadBytes: number,
    pool: ChannelPool,
  ) {
    this.writer = new MessageWriter(socket);
    const guarded =
      <A extends unknown[]>(run: (...args: A) => void) =>
      (...args: A) => {
        // What runs may end the exchange, and is its doing all the same.
        const { exchange } = this;
        try {
          run(...args);
        } catch (bug) {
          exchange?.onBug(bug);
          socket.destroy();
        }
      };
    socket.on(
      "data",
      guarded((bytes: Buffer) => this.onData(bytes)),
    );
    socket.once(
      "established",
      guarded(() => pool.onReady(this)),
    );
    socket.on(
      "drain",
      guarded(() => this.exchange?.onDrain()),
    );
    socket.on("error", (error) => {
      this.error = error;
    });
    socket.once(
      "end",
      guarded(() => this.onEnd()),
    );
    socket.once(
      "close",
      guarded(() => {
        pool.onClose(this, this.error);
        this.exchange?.onClosed(this.error, this.reader?.between === false);
      }),
    );
    // No request has been on it for as long as may be.
    socket.on("timeout", () => {
      if (!this.exchange) socket.destroy();
    });
  }

  /** May another exchange begin on it? */
  get usable(): boolean {
    const { socket } = this;
    return !socket.destroyed && !socket.remoteEnded && !socket.writableEnded;
  }

  /** An exchange takes the connection. */
  take(exchange: ChannelEvents): void {
    this.exchange = exchange;
    // In the middle of an answer what is left of it is still told, and not to who comes next.
    if (this.reader && !this.reading) this.reader.listen(exchange);
    else this.reader = new ResponseReader(exchange, this.maxHeadBytes);
  }

  private onData(bytes: Buffer): void {
    const { reader, exchange } = this;
    let at = 0;
    // 1xx are messages of their own.
    this.reading = true;
    try {
      while (reader && exchange && this.exchange === exchange && at < bytes.length)
        at = reader.read(bytes, at);
    } finally {
      this.reading = false;
    }
    // What a host says unasked belongs to no response: whatever comes next could be taken for the wrong one.
    if (at < bytes.length) this.socket.destroy();
  }

  /** The host has closed its side: an exchange that this does not complete will not be. */
  private onEnd(): void {
    if (this.exchange) this.reader?.close();
    if (this.exchange) this.socket.destroy();
  }
}
