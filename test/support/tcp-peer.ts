import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Room in a test's socket before it stops reading by itself; small, so that a paused peer is really slow. */
const BUFFER = 16 * 1024;

/** One end of a TCP connection as tests drive it: nothing is closed or read behind their back. */
export class TcpPeer {
  readonly #chunks: Buffer[] = [];
  #received = 0;
  #ended = false;
  #gone: "closed" | "reset" | undefined;
  readonly #events = new EventEmitter();
  /** Remembered: a socket that is gone has none. */
  readonly remotePort: number | undefined;

  constructor(readonly socket: Socket) {
    this.remotePort = socket.remotePort;
    this.#events.setMaxListeners(0);
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#received += chunk.length;
      this.#events.emit("change");
    });
    socket.once("end", () => {
      this.#ended = true;
      this.#events.emit("change");
    });
    socket.on("error", () => {
      this.#gone = "reset";
    });
    socket.once("close", () => {
      this.#gone ??= "closed";
      this.#events.emit("change");
    });
  }

  static connect(port: number): Promise<TcpPeer> {
    return new Promise((resolve, reject) => {
      const options = { port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true, highWaterMark: BUFFER };
      const socket = connect(options);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new TcpPeer(socket));
      });
    });
  }

  /** Bytes received so far. */
  get length(): number {
    return this.#received;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** All received so far, as Latin-1 text. */
  get text(): string {
    return this.bytes.toString("latin1");
  }

  /** The other side has sent its end of stream. */
  get isEnded(): boolean {
    return this.#ended;
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  write(data: string | Buffer): void {
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  /** Sends the end of stream; the other direction stays open. */
  end(): void {
    this.socket.end();
  }

  /** Closes at once with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Closes both directions. */
  close(): void {
    this.socket.destroy();
  }

  /** Resolves once the text received so far, as a whole, is this. */
  async receives(text: string): Promise<void> {
    await this.until(
      () => this.#received >= text.length || this.#ended || this.isGone,
      () => `${JSON.stringify(text)}, got ${JSON.stringify(this.text)}`,
    );
    if (this.text !== text)
      throw new Error(`expected ${JSON.stringify(text)}, got ${JSON.stringify(this.text)}`);
  }

  async receivesBytes(count: number): Promise<void> {
    await this.until(
      () => this.#received >= count,
      () => `${count} bytes, got ${this.#received}`,
    );
  }

  /** Resolves once the other side's end of stream has arrived; everything it sent has been received then. */
  ended(): Promise<void> {
    return this.until(
      () => this.#ended,
      () => "the end of stream",
    );
  }

  /** Resolves once nothing comes from the other side any more: end of stream or reset. */
  async over(): Promise<"ended" | "reset"> {
    await this.until(
      () => this.#ended || this.isGone,
      () => "the end of the connection",
    );
    return this.#ended ? "ended" : "reset";
  }

  /** Resolves when a condition holds that changes with what this peer sees. */
  private async until(holds: () => boolean, what: () => string): Promise<void> {
    const signal = AbortSignal.timeout(10_000);
    while (!holds()) {
      if (this.isGone) throw new Error(`the connection is gone, waiting for ${what()}`);
      try {
        await once(this.#events, "change", { signal });
      } catch {
        throw new Error(`no end of waiting for ${what()}`);
      }
    }
  }
}

/** A TCP server that does nothing by itself. */
export class TcpUpstream {
  readonly connections: TcpPeer[] = [];
  readonly #events = new EventEmitter();

  private constructor(
    readonly server: Server,
    onConnection: (peer: TcpPeer) => void,
  ) {
    this.#events.setMaxListeners(0);
    server.on("connection", (socket) => {
      const peer = new TcpPeer(socket);
      this.connections.push(peer);
      onConnection(peer);
      this.#events.emit("connection");
    });
  }

  static async start(onConnection: (peer: TcpPeer) => void = () => {}): Promise<TcpUpstream> {
    const server = createServer({ noDelay: true, allowHalfOpen: true, highWaterMark: BUFFER });
    const upstream = new TcpUpstream(server, onConnection);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The connection with this index (from 0), waiting for it if need be. */
  async connection(index = 0): Promise<TcpPeer> {
    while (this.connections.length <= index) await once(this.#events, "connection");
    return this.connections[index]!;
  }

  async close(): Promise<void> {
    for (const peer of this.connections) peer.close();
    this.server.close();
    await once(this.server, "close");
  }
}

/** Sends back whatever comes, and closes when the other side has ended. */
export function echo(peer: TcpPeer): void {
  peer.socket.on("data", (data) => peer.socket.write(data));
  peer.socket.on("end", () => peer.socket.end());
}
