import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** What a filtered socket needs from the filters in front of it. */
export interface SocketFilters {
  /** The reader has room again. */
  resumed(): void;
  /** Bytes on their way to the client; `done` once more may come. */
  write(data: Buffer, done: () => void): void;
}

/**
 * A client's socket as HTTP sees it when network filters stand in front: reads are what they let through, writes pass
 * through them first. Everything else is the socket's own.
 */
export class FilteredSocket extends Duplex {
  constructor(
    private readonly raw: Socket,
    private readonly filters: SocketFilters,
  ) {
    super({ allowHalfOpen: true });
    raw.on("timeout", () => this.emit("timeout"));
    raw.on("error", (error) => this.destroy(error));
    raw.once("end", () => this.push(null));
    raw.once("close", () => this.destroy());
  }

  /** The same object, as the connection manager takes it: it uses nothing that is not here. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  override _read(): void {
    this.filters.resumed();
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.raw.destroyed) done();
    else this.filters.write(data, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.raw.destroyed) done();
    else this.raw.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.raw.destroy();
    done(error);
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  resetAndDestroy(): this {
    this.raw.resetAndDestroy();
    return this.destroy();
  }

  setTimeout(ms: number, callback?: () => void): this {
    if (callback && ms > 0) this.once("timeout", callback);
    if (callback && ms === 0) this.off("timeout", callback);
    this.raw.setTimeout(ms);
    return this;
  }

  get timeout(): number | undefined {
    return this.raw.timeout;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  get connecting(): boolean {
    return false;
  }

  get remoteAddress(): string | undefined {
    return this.raw.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.raw.remotePort;
  }

  get localAddress(): string | undefined {
    return this.raw.localAddress;
  }

  get localPort(): number | undefined {
    return this.raw.localPort;
  }

  get bytesRead(): number {
    return this.raw.bytesRead;
  }

  get bytesWritten(): number {
    return this.raw.bytesWritten;
  }
}
